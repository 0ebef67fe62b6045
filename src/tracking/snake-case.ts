/**
 * `averagePrecision` -> `average_precision`: figures are named in trackers as settings are named in the
 * configuration.
 */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
