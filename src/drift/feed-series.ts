/** Series that tell of a feed rather than of customers. */
const OF_THE_FEED = new Set(['share of missing values', 'share of unseen categories'])

/** Whether a change of this series of a feature (`ChartVerdict.series`) is a fault of whoever sends it. */
export const isOfTheFeed = (series: string): boolean => OF_THE_FEED.has(series)
