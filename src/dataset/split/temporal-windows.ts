import { VigiaError } from '../../errors.ts'
import { DAY_MS } from '../../foundation/days.ts'
import type { Period, TemporalWindows } from './part.ts'

/**
 * How the time after the warm-up is shared out. Shares are above 0 (validation: or 0) and their sum is below
 * 1.
 */
export interface TimeShares {
  /** History in front of the training window, which only fills the windows of features. */
  readonly warmupMs: number
  /** Left out between two parts, so that the labels of one are known when the next begins. */
  readonly gapMs: number
  /** Part of the usable time; training has what the other two leave. 0: no validation. */
  readonly validation: number
  readonly test: number
}

/**
 * Windows from shares of the time span: warm-up | train | gap | validation | gap | test. Shares are of the
 * time that warm-up and gaps leave. `lastMs` is the last event, which the test includes.
 *
 * @throws DATASET_SPLIT_TOO_SHORT when warm-up and gaps leave nothing to share
 */
export const windowsFromShares = (firstMs: number, lastMs: number, shares: TimeShares): TemporalWindows => {
  const { warmupMs, gapMs } = shares
  const gaps = shares.validation > 0 ? 2 : 1
  const endMs = lastMs + 1
  const usableMs = endMs - firstMs - warmupMs - gaps * gapMs
  if (usableMs < gaps + 1) throw tooShort(firstMs, endMs, shares)
  const testFromMs = endMs - Math.round(usableMs * shares.test)
  const validationToMs = testFromMs - gapMs
  const validationFromMs = validationToMs - Math.round(usableMs * shares.validation)
  const fromMs = firstMs + warmupMs
  return inOrder({
    train: { fromMs, toMs: gaps === 2 ? validationFromMs - gapMs : validationToMs },
    validation: gaps === 2 ? { fromMs: validationFromMs, toMs: validationToMs } : null,
    test: { fromMs: testFromMs, toMs: endMs },
  })
}

/**
 * Windows from shares of the labelled rows after the warm-up: warm-up | train | gap | validation | gap |
 * test.
 * `timesMs` are their event times, ascending; rows in a gap count for nobody. Rows of one instant stay
 * together, so that shares are met as nearly as times allow.
 *
 * The more rows are shared out, the more train asks for and the less it has: the largest number that it can
 * still serve is found by halving. O(log² n).
 *
 * @throws DATASET_SPLIT_TOO_SHORT when warm-up and gaps leave nothing to share
 */
export const windowsFromRows = (
  firstMs: number,
  timesMs: Float64Array,
  shares: TimeShares,
): TemporalWindows => {
  const { warmupMs, gapMs, validation, test } = shares
  const fromMs = firstMs + warmupMs
  const first = firstAtOrAfter(timesMs, fromMs)
  const usable = timesMs.length - first
  const endMs = timesMs[timesMs.length - 1]! + 1
  const windowsOf = (shared: number): TemporalWindows => {
    const before = (endOfPart: number, share: number) =>
      timesMs[Math.max(first, firstAtOrAfter(timesMs, endOfPart) - Math.max(1, Math.round(shared * share)))]!
    const testFromMs = before(endMs, test)
    const validationToMs = testFromMs - gapMs
    if (validation === 0)
      return {
        train: { fromMs, toMs: validationToMs },
        validation: null,
        test: { fromMs: testFromMs, toMs: endMs },
      }
    const validationFromMs = before(validationToMs, validation)
    return {
      train: { fromMs, toMs: validationFromMs - gapMs },
      validation: { fromMs: validationFromMs, toMs: validationToMs },
      test: { fromMs: testFromMs, toMs: endMs },
    }
  }
  const canServe = (shared: number): boolean =>
    firstAtOrAfter(timesMs, windowsOf(shared).train.toMs) - first >= (1 - validation - test) * shared
  let most = 0
  let tooMany = usable + 1
  while (tooMany - most > 1) {
    const middle = (most + tooMany) >> 1
    if (canServe(middle)) most = middle
    else tooMany = middle
  }
  if (most === 0) throw tooShort(firstMs, endMs, shares)
  return inOrder(windowsOf(most))
}

/** Place of the first of ascending `timesMs` that is `atMs` or later; their number when none is. */
const firstAtOrAfter = (timesMs: Float64Array, atMs: number): number => {
  let from = 0
  let to = timesMs.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (timesMs[middle]! >= atMs) to = middle
    else from = middle + 1
  }
  return from
}

const tooShort = (firstMs: number, endMs: number, { warmupMs, gapMs, validation }: TimeShares) =>
  new VigiaError('DATASET_SPLIT_TOO_SHORT', {
    span: inDays(endMs - firstMs),
    warmup: inDays(warmupMs),
    gaps: inDays((validation > 0 ? 2 : 1) * gapMs),
  })

/**
 * The windows themselves, when each lasts some time and begins after the one before has ended.
 *
 * @throws DATASET_SPLIT_ORDER naming the two instants that stand in the wrong order
 */
export const inOrder = (windows: TemporalWindows): TemporalWindows => {
  const named: (readonly [string, Period])[] = [['train', windows.train]]
  if (windows.validation !== null) named.push(['validation', windows.validation])
  named.push(['test', windows.test])
  const bounds = named.flatMap(([name, { fromMs, toMs }]) => [
    { name: `the start of ${name}`, ms: fromMs },
    { name: `the end of ${name}`, ms: toMs },
  ])
  for (let i = 1; i < bounds.length; i++) {
    const [earlier, later] = [bounds[i - 1]!, bounds[i]!]
    // An end and the next start may coincide (no gap); a period itself must last.
    const isOutOfOrder = i % 2 === 1 ? !(later.ms > earlier.ms) : !(later.ms >= earlier.ms)
    if (isOutOfOrder)
      throw new VigiaError('DATASET_SPLIT_ORDER', {
        later: later.name,
        got: asInstant(later.ms),
        earlier: earlier.name,
        allowed: asInstant(earlier.ms),
      })
  }
  return windows
}

const inDays = (ms: number): string => `${Number((ms / DAY_MS).toFixed(2))} days`

const asInstant = (ms: number): string =>
  Number.isFinite(ms) ? new Date(ms).toISOString().replace('.000Z', 'Z') : 'no instant'
