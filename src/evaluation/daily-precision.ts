/** Precision of looking at the `k` most suspicious entities of each day. */
export interface DailyPrecision {
  /** Mean of `days`; NaN without days. */
  readonly mean: number
  /** By day, in order of the days that have rows. */
  readonly days: readonly DailyPrecisionDay[]
}

export interface DailyPrecisionDay {
  readonly day: number
  /**
   * Compromised entities among the `k` looked at, over `k`, also when the day has fewer than `k` entities.
   */
  readonly precision: number
  /**
   * Compromised entities of the day that could be found: what a perfect ranking gets is the smaller of this
   * and `k`, over `k`.
   */
  readonly compromised: number
}

/**
 * Rows to rank: the day, the entity (a user or card, a small whole number from 0), the truth and the score of
 * each.
 */
export interface RankedRows {
  readonly days: Int32Array
  readonly entities: Uint32Array
  readonly labels: Uint8Array
  readonly scores: Float64Array
}

/**
 * Card precision top-k of the card-fraud handbook: each day, entities are ranked by their highest score of
 * that day and the first `k` are looked at; the share of truly compromised ones (a fraud that day) is the
 * day's precision. Entities found compromised are blocked and leave the later days. Equal scores rank in the
 * order in which the entities first appear.
 *
 * O(n + e log e) for n rows and e entities a day. Scores must not be NaN.
 */
export const dailyPrecision = (rows: RankedRows, k: number): DailyPrecision => {
  const found = new Set<number>()
  const days = byDay(rows.days).map(([day, ofDay]): DailyPrecisionDay => {
    const suspects = suspectsOf(rows, ofDay, found)
    const compromised = suspects.filter(({ isCompromised }) => isCompromised).length
    suspects.sort((a, b) => b.score - a.score)
    const caught = suspects.slice(0, k).filter(({ isCompromised }) => isCompromised)
    for (const { entity } of caught) found.add(entity)
    return { day, precision: caught.length / k, compromised }
  })
  return { mean: days.reduce((sum, { precision }) => sum + precision, 0) / days.length, days }
}

/**
 * What `dailyPrecision` is when every compromised entity ranks before all others. Only luck exceeds it: to
 * find first, of more than `k` compromised ones, those that are not compromised again on a later day.
 */
export const perfectDailyPrecision = (rows: Omit<RankedRows, 'scores'>, k: number): number =>
  dailyPrecision({ ...rows, scores: Float64Array.from(rows.labels) }, k).mean

interface Suspect {
  readonly entity: number
  score: number
  isCompromised: boolean
}

/**
 * Entities of one day in order of appearance, with their highest score, without those `found` on earlier
 * days.
 */
const suspectsOf = (rows: RankedRows, ofDay: readonly number[], found: ReadonlySet<number>): Suspect[] => {
  const suspects = new Map<number, Suspect>()
  for (const row of ofDay) {
    const entity = rows.entities[row]!
    if (found.has(entity)) continue
    const score = rows.scores[row]!
    const isCompromised = rows.labels[row] === 1
    const known = suspects.get(entity)
    if (known === undefined) suspects.set(entity, { entity, score, isCompromised })
    else {
      known.score = Math.max(known.score, score)
      known.isCompromised ||= isCompromised
    }
  }
  return [...suspects.values()]
}

const byDay = (days: Int32Array): [number, number[]][] => {
  const rowsByDay = new Map<number, number[]>()
  for (let row = 0; row < days.length; row++) {
    const rows = rowsByDay.get(days[row]!)
    if (rows === undefined) rowsByDay.set(days[row]!, [row])
    else rows.push(row)
  }
  return [...rowsByDay].sort(([a], [b]) => a - b)
}
