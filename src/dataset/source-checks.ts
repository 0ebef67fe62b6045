import { DAY_MS } from '../foundation/days.ts'
import { formatDuration, parseDuration } from '../foundation/duration.ts'
import { FIRST_SECOND, LAST_SECOND } from '../transaction/event-time.ts'
import type { SourceField } from '../transaction/fields.ts'
import { type Check, NOTHING_FOUND, percent, shareOf } from './dataset-check.ts'
import { detailOf } from './read-checks.ts'
import type { NumericTimes, SourceColumn } from './source-profile.ts'

/** What is asked of the source's own columns and times: does the mapping miss what they know? */

const UNITS = [
  { unit: 'seconds', perSecond: 1, macro: 'epoch_seconds' },
  { unit: 'microseconds', perSecond: 1e6, macro: 'epoch_microseconds' },
  { unit: 'nanoseconds', perSecond: 1e9, macro: 'epoch_nanoseconds' },
] as const

/**
 * Numbers are milliseconds. Other units show by where the bulk lies: seconds taken as milliseconds are all in
 * early 1970. Times that somebody counted from a day of their own and multiplied lie there too, but are whole
 * seconds: for those it is a warning.
 */
export const checkTimeUnit: Check = ({ read }) => {
  const times = read.profile?.numericTimes
  const found = times && times.share >= 0.5 ? unitOf(times) : undefined
  const isRelative = times && times.share >= 0.5 && !found && times.median >= 0 && times.median <= LAST_SECOND
  const expression = read.mapping.timestamp
  return [
    {
      id: 'time.unit',
      what: 'unit of times that are numbers',
      severity: isRelative ? 'warning' : 'error',
      setting: 'source.fields.timestamp',
      allowed: 'milliseconds since 1970',
      observed: found
        ? `looks like ${found.unit}`
        : isRelative
          ? 'the bulk lies in early 1970'
          : 'nothing else',
      ...NOTHING_FOUND,
      passed: !found && !isRelative,
      ...detailOf(
        found
          ? `the median is ${times!.median}, which is ${dateOf(times!.median / found.perSecond)} in ${found.unit}; set source.fields.timestamp to ${found.macro}(${expression})`
          : isRelative
            ? `the median is ${times.median}, ${dateOf(times.median / 1000)} as milliseconds; if these are counted from a day of their own, add that day, else name their unit with epoch_seconds(${expression})`
            : false,
      ),
    },
  ]
}

const unitOf = ({ median, wholeThousands }: NumericTimes): (typeof UNITS)[number] | undefined =>
  UNITS.find(
    ({ unit, perSecond }) =>
      median >= FIRST_SECOND * perSecond &&
      median <= LAST_SECOND * perSecond &&
      (unit !== 'seconds' || wholeThousands < 0.5),
  )

const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)

/** Fewer rows, or times, than this may be alike by chance. */
const ENOUGH = 100

/** A window that is no longer than the steps of the clock holds what happened at the same moment only. */
export const checkResolution: Check = ({ profile, windows }) => {
  const { resolutionMs } = profile
  const short = windows.filter((window) => resolutionMs !== null && parseDuration(window) <= resolutionMs)
  return [
    {
      id: 'time.resolution',
      what: 'windows no longer than the resolution of the times',
      severity: 'warning',
      setting: 'features.windows',
      allowed: 'none',
      observed: short.length === 0 ? 'none' : short.join(', '),
      ...NOTHING_FOUND,
      passed: short.length === 0,
      ...detailOf(
        short.length > 0 &&
          `the times are whole ${resolutionMs === DAY_MS ? 'days' : 'hours or minutes'} (resolution ${formatDuration(resolutionMs!)}): in a window of ${short.join(' or ')} is only what has the very same time. Take longer ones`,
      ),
    },
  ]
}

const ENTITIES = ['user_id', 'merchant_id', 'device_id'] as const

/** An entity that never comes again has no history to learn from. */
export const checkEntities: Check = ({ read, profile, settings }) =>
  ENTITIES.flatMap((field) => {
    const column = profile.columns.find(({ name }) => name === field)
    if (!column?.mapped || column.distinct === null) return []
    const filled = profile.rows - column.missing
    const share = shareOf(filled - column.distinct, filled)
    const passed = filled < ENOUGH || share >= settings.min_repeat_share
    const others = repeatingIds(read.profile?.columns ?? [], field, settings.min_repeat_share)
    const kind = field.replace('_id', '')
    const named = others.map(({ name, again }) => `"${name}" (${percent(again)} of its rows)`).join(', ')
    return [
      {
        id: `entities.${field}`,
        what: `share of rows whose ${kind} was there before`,
        severity: 'warning' as const,
        setting: 'validation.min_repeat_share',
        allowed: `at least ${percent(settings.min_repeat_share)}`,
        observed: share,
        rows: filled - column.distinct,
        examples: [],
        passed,
        ...detailOf(
          !passed &&
            `${kind} features say nothing, because hardly any ${kind} comes twice: is another column the entity? ${named === '' ? 'No other column of the source looks like an id and repeats' : `Like ids, and coming again: ${named}`}`,
        ),
      },
    ]
  })

interface RepeatingColumn {
  readonly name: string
  /** Share of its filled rows that are not the first with their value. */
  readonly again: number
}

/** Most names in a list for people. */
const MOST_NAMES = 8

const repeatingIds = (
  columns: readonly SourceColumn[],
  field: SourceField,
  least: number,
): readonly RepeatingColumn[] =>
  columns
    .filter(
      ({ fields, looksLikeId }) =>
        looksLikeId && !fields.some((used) => NO_ENTITY.has(used) || used === field),
    )
    // A few values that come again and again are a category.
    .filter(({ filled, distinct }) => distinct >= Math.max(10, filled / 100))
    .map(({ name, filled, distinct }) => ({ name, again: shareOf(filled - distinct, filled) }))
    .filter(({ again }) => again >= least)
    .sort((left, right) => right.again - left.again || (left.name < right.name ? -1 : 1))
    .slice(0, MOST_NAMES)

const NO_ENTITY: ReadonlySet<string> = new Set([
  'transaction_id',
  'timestamp',
  'amount',
  'is_fraud',
  'labelled_at',
  'fraud_pattern',
])

/** What the columns know that no field uses, and whether one column knows too much. */
export const checkColumns: Check = ({ read, settings }) => {
  const measured = (read.profile?.columns ?? [])
    .flatMap((column) => (column.power === null ? [] : [{ ...column, power: column.power }]))
    .sort((left, right) => right.power - left.power || (left.name < right.name ? -1 : 1))
  const unused = measured.filter(({ fields }) => fields.length === 0)
  const strong = unused.filter(({ power }) => power >= settings.unused_power)
  const leaks = measured.filter(({ power }) => power > settings.max_column_power)
  return [
    {
      id: 'columns.unused',
      what: 'columns of the source that no field uses and that tell frauds apart',
      severity: 'info',
      setting: 'validation.unused_power',
      allowed: `none with a power alone of ${settings.unused_power}`,
      observed: strong.length,
      ...NOTHING_FOUND,
      passed: strong.length === 0,
      ...detailOf(
        strong.length > 0 && `power alone (ROC-AUC on later rows) of what is left out: ${listed(unused)}`,
      ),
    },
    {
      id: 'columns.leak',
      what: 'columns that give fraud away alone',
      severity: 'warning',
      setting: 'validation.max_column_power',
      allowed: `none with a power alone above ${settings.max_column_power}`,
      observed: leaks.length,
      ...NOTHING_FOUND,
      passed: leaks.length === 0,
      ...detailOf(
        leaks.length > 0 &&
          `suspicion of a leak: ${listed(leaks)}. Is it known when the transaction happens, or made from the label?`,
      ),
    },
  ]
}

const listed = (columns: readonly { readonly name: string; readonly power: number }[]): string => {
  const shown = columns.slice(0, MOST_NAMES).map(({ name, power }) => `"${name}" ${power.toFixed(3)}`)
  const more = columns.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
