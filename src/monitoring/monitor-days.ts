import { DriftDetector } from '../drift/drift-detector.ts'
import type { FeatureDrift } from '../drift/drift-look.ts'
import type { DriftSettings } from '../drift/drift-settings.ts'
import type { DayProfile } from '../drift/profile-book.ts'
import { worstOf } from '../drift/severity.ts'
import { VigiaError } from '../errors.ts'
import type { Feature } from '../features/feature.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { categoryOf, tellFeature } from '../features/tell-feature.ts'
import { dateOf } from '../foundation/days.ts'
import { adviceOn, beyondLimit } from './advice.ts'
import { type GrownBins, grownBins, placeOf } from './changed-rows.ts'
import type { DaysOfLog } from './days-of-log.ts'
import type { ChangedFeature, ChangedRow, MonitorReport, ReportedDay } from './monitor-report.ts'
import type { MonitoredModel } from './monitored-model.ts'
import type { OutcomesOfLog } from './outcomes-of-log.ts'
import { overTime } from './over-time.ts'

/** Where days come from: a log, or a file. */
export interface DaysSource {
  /** As the report names it. */
  readonly names: readonly string[]
  readonly days: DaysOfLog
  /** How good the decisions were, and whether the data of these days (both included) were whole. */
  outcomesOf(firstDay: number, lastDay: number): Promise<OutcomesOfLog>
  /**
   * Calls `onRow` for each row of a day, in their order, until it returns false: it has seen enough. `begin`
   * is called first, and again when what was told until then is to be forgotten.
   */
  eachOfDay(day: number, begin: () => void, onRow: (row: WatchedRow) => boolean): Promise<void>
}

/** A row as the watched model sees it. `vector` is valid until the next one. */
export interface WatchedRow {
  readonly transactionId: string
  /** Its place in the log or the file, from 1. */
  readonly sequence: number
  readonly vector: Float64Array
  readonly score: number
}

export interface MonitorDaysOptions {
  readonly model: MonitoredModel
  /** How many of the latest days are looked at and shown; at least 1. What is said of a day is the same. */
  readonly looks: number
  readonly settings?: Partial<DriftSettings>
}

/** Features that are told of at most. */
const MOST_CHANGED = 10
const MOST_EXAMPLES = 3
/** Latest days before it that the rows of a day are held against, for examples. */
const RECENT_DAYS = 28

/**
 * Looks at the latest days that are over, each after all days before it. What it says of a day follows from
 * those alone.
 *
 * @throws MONITORING_NOTHING_TO_LOOK_AT without a day that is over; DRIFT_SETTING_INVALID
 */
export const monitorDays = async (
  source: DaysSource,
  options: MonitorDaysOptions,
): Promise<MonitorReport> => {
  const { model } = options
  const logged = source.days
  if (logged.days.length === 0)
    throw new VigiaError('MONITORING_NOTHING_TO_LOOK_AT', {
      folder: source.names.join(', '),
      reason: whyNothing(logged),
    })
  const looked = logged.days.slice(-options.looks)
  const today = looked.at(-1)!
  // What was served is told by the log, whatever training says of the same day.
  const known = new Set(logged.days.map(({ day }) => day))
  const training = model.trainingDays.filter(({ day }) => !known.has(day) && day < today.day)
  const history = [...training, ...logged.days].sort((a, b) => a.day - b.day)
  const { importance } = model.loaded.artifact.reference
  const detector = new DriftDetector({
    layout: model.layout,
    history,
    ...(importance !== undefined && { importance }),
    ...(options.settings !== undefined && { settings: options.settings }),
  })
  const looks = looked.map((day) => ({ ...detector.assess(day), date: dateOf(day.day) }))
  const latest = looks.at(-1)!
  const outcomes = await source.outcomesOf(looked[0]!.day, latest.day)
  const beyond = beyondLimit(latest)
  const { description } = model.loaded
  return {
    schema: 1,
    model: {
      name: description.name,
      version: description.version,
      sha256: description.sha256,
      threshold: description.threshold,
    },
    source: source.names,
    rows: logged.rows,
    left: { tooOld: logged.tooOld, unreadable: logged.unreadable },
    unfinished:
      logged.unfinished === undefined
        ? null
        : { date: dateOf(logged.unfinished.day), rows: logged.unfinished.profile.rows },
    days: [
      ...reported(training, 'training'),
      ...reported(logged.days.slice(0, -looked.length), 'history'),
      ...reported(looked, 'looked at'),
    ].sort((a, b) => (a.date < b.date ? -1 : 1)),
    looks,
    performance: outcomes.performance,
    quality: outcomes.quality,
    severity: worstOf([latest.severity, outcomes.performance?.severity ?? 'none', outcomes.quality.severity]),
    changed: await changedFeatures(
      beyond.slice(0, MOST_CHANGED),
      history.slice(0, -1),
      today,
      source,
      options,
    ),
    changedCount: beyond.length,
    advice: adviceOn(latest, outcomes),
  }
}

const whyNothing = ({ rows, unfinished, tooOld, unreadable }: DaysOfLog): string => {
  if (unfinished !== undefined)
    return `its only day, ${dateOf(unfinished.day)}, may not be over: no later day has begun`
  return rows + tooOld + unreadable === 0
    ? 'nothing was decided'
    : `none of ${tooOld + unreadable} decisions can be used: ${tooOld} are on transactions of too long ago, ${unreadable} by models that do not compute all features of this one`
}

const reported = (days: readonly DayProfile[], part: ReportedDay['part']): readonly ReportedDay[] =>
  days.map(({ day, profile: { rows, alerts, scored } }) => ({
    date: dateOf(day),
    rows,
    alertRate: scored === 0 ? null : alerts / scored,
    part,
  }))

const changedFeatures = async (
  changed: readonly FeatureDrift[],
  before: readonly DayProfile[],
  day: DayProfile,
  source: DaysSource,
  options: MonitorDaysOptions,
): Promise<readonly ChangedFeature[]> => {
  const { layout, loaded } = options.model
  const planned = new Map(
    planFeatures(loaded.settings).features.map(({ feature }) => [feature.name, feature]),
  )
  const parts = changed.map(({ feature }) => {
    const place = layout.columns.findIndex(({ name }) => name === feature)
    const column = layout.columns[place]!
    const grown = grownBins(column, day, before.slice(-RECENT_DAYS))
    return { feature: planned.get(feature)!, place, column, grown, examples: [] as ChangedRow[] }
  })
  if (parts.length > 0) await findExamples(parts, day.day, source, options)
  return parts.map(({ feature, column, examples }) => ({
    feature: feature.name,
    importance: loaded.artifact.reference.importance?.[feature.name] ?? null,
    categories: categoriesOf(feature, column.bins, options),
    overTime: overTime(column, [...before, day]),
    examples,
  }))
}

interface SoughtExamples {
  readonly feature: Feature
  readonly place: number
  readonly column: MonitoredModel['layout']['columns'][number]
  readonly grown: GrownBins
  readonly examples: ChangedRow[]
}

/** Reads the day again for a few rows that show each change. */
const findExamples = async (
  parts: readonly SoughtExamples[],
  day: number,
  source: DaysSource,
  { model }: MonitorDaysOptions,
): Promise<void> => {
  const { fitted } = model.loaded
  const begin = (): void => {
    for (const { examples } of parts) examples.length = 0
  }
  await source.eachOfDay(day, begin, ({ transactionId, sequence, vector, score }) => {
    for (const { feature, place, column, grown, examples } of parts) {
      const value = vector[place]!
      if (examples.length >= MOST_EXAMPLES || !grown.has(placeOf(column, value))) continue
      const text = tellFeature(feature, value, fitted)
      examples.push({ feature: feature.name, transactionId, sequence, text, probability: score })
    }
    return parts.some(({ examples }) => examples.length < MOST_EXAMPLES)
  })
}

const categoriesOf = (
  feature: Feature,
  bins: SoughtExamples['column']['bins'],
  { model }: MonitorDaysOptions,
): Readonly<Record<string, string>> => {
  if (bins.kind === 'numeric') return {}
  const named = bins.codes.map(
    (code) => [String(code), categoryOf(feature, code, model.loaded.fitted)] as const,
  )
  return Object.fromEntries(named.filter((entry): entry is readonly [string, string] => entry[1] !== null))
}
