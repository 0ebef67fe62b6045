import { atMost, type Check, NOTHING_FOUND, percent, shareOf } from './dataset-check.ts'
import type { ClockChanges } from './quarantine-counts.ts'
import type { QuarantineReason } from './quarantine-reasons.ts'
import type { ReadResult } from './read-source.ts'

/** What is asked of how a source was read: what was lost, what was assumed. */

/** Two columns of one name can both be used, but only one of them has the name. */
export const checkHeader: Check = ({ read: { renamedColumns } }) => [
  {
    id: 'schema.repeated_header',
    what: 'columns with the name of another',
    severity: 'warning',
    setting: null,
    allowed: 'none',
    observed: renamedColumns.length,
    ...NOTHING_FOUND,
    passed: renamedColumns.length === 0,
    ...detailOf(
      renamedColumns.length > 0 &&
        `${renamedColumns.map(({ place, header, name }) => `column ${place}, "${header}", is used as "${name}"`).join('; ')}. The plain name is the first one's: make sure that source.fields means the right one`,
    ),
  },
]

/** Rows whose label an accepted row has. */
const TAKEN_OVER: readonly QuarantineReason[] = ['transaction_id_repeated', 'label_correction']

/** Frauds are few: a quarantine of a hundredth of the rows may hold a third of them. */
export const checkLostFrauds: Check = ({ read, settings }) => {
  const frauds = read.acceptedFrauds + read.lostFrauds
  const share = shareOf(read.lostFrauds, frauds)
  const lost = read.reasons.filter(({ code, frauds }) => frauds > 0 && !TAKEN_OVER.includes(code))
  return [
    {
      id: 'quarantine.frauds',
      what: 'share of frauds quarantined',
      severity: 'error',
      setting: 'validation.quarantined_fraud_share',
      allowed: `below ${percent(settings.quarantined_fraud_share)}`,
      observed: share,
      rows: read.lostFrauds,
      examples: [],
      passed: read.lostFrauds === 0 || share < settings.quarantined_fraud_share,
      ...detailOf(
        lost.length > 0 &&
          `${read.lostFrauds} of ${frauds} frauds: ${lost.map((reason) => `${reason.what} ${reason.frauds}`).join(', ')}`,
      ),
    },
  ]
}

/** One id for different contents is told apart from a row that came twice. */
export const checkRepeatedIds: Check = ({ read, settings }) => {
  const reused = rowsOf(read, 'transaction_id_reused')
  const idColumn = read.mapping.transaction_id
  return [
    atMost({
      id: 'ids.repeated',
      what: 'share of rows that repeat a transaction id',
      severity: 'warning',
      setting: 'max_repeated_id_share',
      limit: settings.max_repeated_id_share,
      rows: rowsOf(read, 'transaction_id_repeated') + reused,
      of: read.inputRows,
    }),
    {
      id: 'labels.corrected',
      what: 'rows that correct the label of an earlier one',
      severity: 'info',
      setting: null,
      allowed: 'any',
      observed: rowsOf(read, 'label_correction'),
      ...NOTHING_FOUND,
      passed: true,
    },
    {
      ...atMost({
        id: 'ids.reused',
        what: 'share of rows with the id of another transaction',
        severity: 'warning',
        setting: 'max_reused_id_share',
        limit: settings.max_reused_id_share,
        rows: reused,
        of: read.inputRows,
      }),
      ...detailOf(
        reused > 0 &&
          `${reused} rows have the id of an earlier row and other contents; does ${idColumn} name each transaction (source.fields.transaction_id)?`,
      ),
    },
  ]
}

/** Times without a zone are UTC only because nobody said otherwise. */
export const checkZone: Check = ({ read }) => [
  {
    id: 'time.zone',
    what: 'times typed without a zone',
    severity: 'warning',
    setting: 'source.time_zone',
    allowed: 'none, or a zone in source.time_zone',
    observed: read.takenAsUtc.length === 0 ? 'none' : read.takenAsUtc.join(', '),
    ...NOTHING_FOUND,
    passed: read.takenAsUtc.length === 0,
    ...detailOf(
      read.takenAsUtc.length > 0 &&
        `${read.takenAsUtc.map((field) => `${field} (${read.mapping[field]})`).join(', ')}: no zone in the data, so it was read as UTC. Set source.time_zone to where it was written, or to UTC if it is`,
    ),
  },
]

/** An hour that clocks repeat is two, and one that they skip is none: what was meant is a guess. */
export const checkClockChanges: Check = ({ read }) => {
  const total = read.clockChanges.reduce((sum, { repeated, skipped }) => sum + repeated + skipped, 0)
  const told = ({ name, repeated, skipped }: ClockChanges): string =>
    `${name}: ${repeated} in a repeated hour, ${skipped} in a skipped one`
  return [
    {
      id: 'time.clock_change',
      what: 'local times that a clock change repeats or skips',
      severity: 'warning',
      setting: 'source.disambiguation',
      allowed: 'none; a zone in the data says which hour is meant',
      observed: total === 0 ? 'none' : read.clockChanges.map(told).join('; '),
      ...NOTHING_FOUND,
      rows: total,
      passed: total === 0,
      ...detailOf(total > 0 && 'source.disambiguation says which instant was taken, or that none is'),
    },
  ]
}

/** The member `detail` of a check, left out where there is nothing to say. */
export const detailOf = (text: string | false): { readonly detail?: string } =>
  text === false ? {} : { detail: text }

/** Quarantined rows of one reason. */
export const rowsOf = ({ reasons }: ReadResult, wanted: ReadResult['reasons'][number]['code']): number =>
  reasons.find(({ code }) => code === wanted)?.rows ?? 0
