/** Kinds of fault, those that explain others first. */
export const FAULT_KINDS = [
  'swapped_columns',
  'unit',
  'constant',
  'truncated_decimals',
  'missing',
  'unknown_categories',
  'out_of_range',
  'duplicates',
  'late',
  'shifted_clock',
  'silent_hours',
  'volume_drop',
  'volume_surge',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** One fault of a day's data. */
export interface DataFault {
  readonly kind: FaultKind
  /** null where the fault is of the feed, not of a field; of swapped columns the first by name. */
  readonly field: string | null
  /** Size in the unit of the kind: see `EFFECTS`. */
  readonly effect: number
  /** The numbers that it was found by, named. */
  readonly evidence: Readonly<Record<string, number | string>>
  readonly whatToDo: string
  /** Whether a model must not be trained on these rows: what it learnt would be the fault. */
  readonly blocksRetraining: boolean
}

/** What `effect` is of each kind. */
export const EFFECTS: Readonly<Record<FaultKind, string>> = {
  swapped_columns: 'distance of the distributions from their own, over that from the other one',
  unit: 'values of this day for one of the history',
  constant: 'share of the most frequent value, less that of the history',
  truncated_decimals: 'share without decimals, less that of the history',
  missing: 'share missing, less that of the history',
  unknown_categories: 'share of unknown values, less that of the history',
  out_of_range: 'share outside the range of the training, less that of the history',
  duplicates: 'share of repeated rows, less that of the history',
  late: 'share of late rows, less that of the history',
  shifted_clock: 'hours that the day is ahead of the history; below 0 behind',
  silent_hours: 'hours without rows, or nearly',
  volume_drop: 'rows of this day for one that was expected',
  volume_surge: 'rows of this day for one that was expected',
}

const WHAT_TO_DO: Readonly<Record<FaultKind, string>> = {
  swapped_columns:
    'Look at the last change of the export or of the mapping: two columns stand in each other’s place.',
  unit: 'Ask who sends it which unit it is in (cents for units, seconds for milliseconds), and correct the mapping.',
  constant: 'The feed is stuck or sends a default: ask who sends it, and hold what reads the field.',
  truncated_decimals:
    'Decimals are lost on the way: look at types of the export (integer for decimal) and at rounding.',
  missing:
    'Find out whether the source or a join lost it, and from which hour on; a fallback is better than a guess.',
  unknown_categories: 'New codes or another spelling: map them, or train anew once they are right.',
  out_of_range: 'Look at examples: new kinds of transactions are right, broken values are not.',
  duplicates:
    'A delivery was sent twice, or ids are not unique any more: remove the repeats before training.',
  late: 'Rows come late, so that windows lack them: wait for them before the day is judged or learnt from.',
  shifted_clock:
    'A time zone or daylight saving was applied twice or not at all: compare a row with its source.',
  silent_hours: 'A feed stopped: ask for the missing hours to be sent again.',
  volume_drop: 'Part of the rows is missing: compare counts with the source, by feed and by hour.',
  volume_surge:
    'More rows than ever: a campaign is right, a replay or an attack is not. Look at who sends them.',
}

/** More rows alone make no row wrong. */
const HARMLESS: readonly FaultKind[] = ['volume_surge']

export const findingOf = (
  kind: FaultKind,
  field: string | null,
  effect: number,
  evidence: DataFault['evidence'],
): DataFault => ({
  kind,
  field,
  effect,
  evidence,
  whatToDo: WHAT_TO_DO[kind],
  blocksRetraining: !HARMLESS.includes(kind),
})
