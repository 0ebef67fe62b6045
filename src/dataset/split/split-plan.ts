import type { LabelsSettings } from '../../config/sections/labels.ts'
import type { SplitSettings } from '../../config/sections/split.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { RowShares } from './assign-stratified.ts'
import type { Period, TemporalWindows } from './part.ts'
import type { TimeShares } from './temporal-windows.ts'

/**
 * How rows are divided: by time, with given windows or shares of the time span, or at random within each
 * class.
 */
export type SplitPlan =
  | { readonly method: 'stratified'; readonly shares: RowShares }
  | {
      readonly method: 'temporal'
      /** Shares are of the time, or of the labelled rows. */
      readonly time:
        | { readonly windows: TemporalWindows }
        | { readonly shares: TimeShares; readonly by: SplitSettings['by'] }
      readonly excludeKnownCompromised: boolean
    }

/**
 * Reads the `split` section. Without a gap of its own, the gap is the label delay. A day stands for its first
 * instant, UTC.
 *
 * @throws DATASET_SETTING_INVALID when dates are given in part, an instant does not exist, or the shares
 * leave no training
 */
export const readSplitPlan = (settings: SplitSettings, labels: LabelsSettings): SplitPlan => {
  const shares = { validation: settings.validation, test: settings.test }
  if (settings.method === 'stratified') return { method: 'stratified', shares: leavingTraining(shares) }
  const windows = readWindows(settings.dates)
  const time = windows
    ? { windows }
    : {
        shares: {
          ...leavingTraining(shares),
          warmupMs: parseDuration(settings.warm_up),
          gapMs: parseDuration(settings.gap ?? labels.delay),
        },
        by: settings.by,
      }
  return { method: 'temporal', time, excludeKnownCompromised: settings.exclude_known_compromised }
}

const leavingTraining = (shares: RowShares): RowShares => {
  const sum = shares.validation + shares.test
  if (sum < 1) return shares
  throw new VigiaError('DATASET_SETTING_INVALID', {
    setting: 'split.validation + split.test',
    got: sum,
    allowed: 'below 1, so that training has rows',
  })
}

type Dates = SplitSettings['dates']

/** null when no dates are given. */
const readWindows = (dates: Dates): TemporalWindows | null => {
  if (Object.values(dates).every((date) => date === null)) return null
  return {
    train: readPeriod(dates, 'train_from', 'train_to'),
    validation:
      dates.validation_from === null && dates.validation_to === null
        ? null
        : readPeriod(dates, 'validation_from', 'validation_to'),
    test: readPeriod(dates, 'test_from', 'test_to'),
  }
}

const readPeriod = (dates: Dates, from: keyof Dates, to: keyof Dates): Period => ({
  fromMs: readInstant(dates, from),
  toMs: readInstant(dates, to),
})

const readInstant = (dates: Dates, name: keyof Dates): number => {
  const text = dates[name]
  const ms = text === null ? Number.NaN : Date.parse(text)
  // Date.parse makes 2 March of 30 February; an instant that exists reads back as it was written.
  if (text !== null && !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.replace('Z', '')))
    return ms
  throw new VigiaError('DATASET_SETTING_INVALID', {
    setting: `split.dates.${name}`,
    got: text ?? 'missing',
    allowed:
      'a day such as 2018-07-25 or an instant such as 2018-07-25T12:00:00Z; train and test need both ends once any date is given',
  })
}
