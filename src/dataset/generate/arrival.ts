import type { GenerateSettings } from '../../config/sections/generate.ts'
import { log } from '../../foundation/elementary/logarithm.ts'
import type { Random } from '../../foundation/random.ts'
import { EventBuffer } from './event-buffer.ts'
import { SECONDS_PER_DAY } from './spending.ts'

/** Rows that arrive together, and the order in which they do. The buffer is reused. */
export interface Batch {
  readonly events: EventBuffer
  readonly order: Float64Array
}

/** Number of rows that are an earlier one sent again. At most a half: a row is repeated once at most. */
export const duplicatesOf = ({ rows, disorder }: GenerateSettings): number =>
  Math.min(Math.floor(rows / 2), Math.round(rows * disorder.duplicate_share))

/**
 * Turns days in event order into batches in arrival order.
 *
 * 1. Each transaction gets an arrival: its own time, or later by an exponential delay when it is late.
 * 2. Some are sent again: exactly `duplicatesOf` of them, each a copy that arrives after the first.
 * 3. What arrives on a later day waits; a batch is what arrives on one day, sorted by arrival. The wait is
 *    bounded by `maximum_lateness_hours`, and so is the memory.
 */
export function* inArrivalOrder(
  days: Iterable<Batch>,
  settings: GenerateSettings,
  transactions: number,
  random: Random,
): Generator<Batch> {
  const { late_share } = settings.disorder
  let duplicatesLeft = duplicatesOf(settings)
  let transactionsLeft = transactions
  if (late_share === 0 && duplicatesLeft === 0) {
    yield* days
    return
  }
  const arriving = new EventBuffer()
  let waiting = new EventBuffer()
  let day = 0
  for (const { events, order } of days) {
    const dayEnd = ++day * SECONDS_PER_DAY
    arriving.clear()
    const stillWaiting = new EventBuffer()
    const send = (source: EventBuffer, row: number): void => {
      ;(source.columns.arrival[row]! < dayEnd ? arriving : stillWaiting).copy(source, row)
    }
    for (let row = 0; row < waiting.length; row++) send(waiting, row)
    for (const row of order) {
      const late = random.next() < late_share
      events.columns.arrival[row] = events.columns.second[row]! + (late ? delay(settings, random) : 0)
      send(events, row)
      // Selection sampling (Knuth, volume 2, algorithm S): exactly as many as wanted, all choices equally
      // likely.
      if (random.next() * transactionsLeft-- < duplicatesLeft) {
        duplicatesLeft--
        const promptly = random.next() < 0.5
        events.columns.arrival[row]! += promptly ? random.integer(5) : delay(settings, random)
        send(events, row)
      }
    }
    waiting = stillWaiting
    yield { events: arriving, order: arriving.orderedBy('arrival') }
  }
  if (waiting.length > 0) yield { events: waiting, order: waiting.orderedBy('arrival') }
}

const delay = ({ disorder }: GenerateSettings, random: Random): number => {
  const minutes = -log(1 - random.next()) * disorder.mean_lateness_minutes
  return 1 + Math.floor(Math.min(minutes * 60, disorder.maximum_lateness_hours * 3600))
}
