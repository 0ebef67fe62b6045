import { PART, type Period, type SplitRows, type TemporalWindows, UNLABELLED } from './part.ts'

/** The part of each row by its event time. O(n). A row without a label belongs to no part. */
export const assignByTime = (rows: SplitRows, windows: TemporalWindows): Uint8Array => {
  const { eventTimesMs, labels } = rows
  const { train, validation, test } = windows
  return Uint8Array.from(eventTimesMs, (timeMs, row) => {
    if (labels[row] === UNLABELLED) return PART.none
    if (holds(train, timeMs)) return PART.train
    if (holds(test, timeMs)) return PART.test
    return validation !== null && holds(validation, timeMs) ? PART.validation : PART.none
  })
}

const holds = ({ fromMs, toMs }: Period, timeMs: number): boolean => timeMs >= fromMs && timeMs < toMs
