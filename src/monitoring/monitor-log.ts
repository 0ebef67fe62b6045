import { DriftDetector } from '../drift/drift-detector.ts'
import type { FeatureDrift } from '../drift/drift-look.ts'
import type { DriftSettings } from '../drift/drift-settings.ts'
import type { DayProfile } from '../drift/profile-book.ts'
import { VigiaError } from '../errors.ts'
import type { Feature } from '../features/feature.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { categoryOf, tellFeature } from '../features/tell-feature.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { adviceOn, beyondLimit } from './advice.ts'
import { type GrownBins, grownBins, placeOf } from './changed-rows.ts'
import { type DaysOfLog, type DaysOfLogOptions, daysOfLog, eachDecision } from './days-of-log.ts'
import type { ChangedFeature, ChangedRow, MonitorReport, ReportedDay } from './monitor-report.ts'
import { overTime } from './over-time.ts'

export interface MonitorOptions extends DaysOfLogOptions {
  /** How many of the latest days are looked at, each after those before it; at least 1. */
  readonly looks: number
  readonly settings?: Partial<DriftSettings>
}

/** Features that are told of at most. */
const MOST_CHANGED = 10
const MOST_EXAMPLES = 3
/** Days before the looks that examples are held against. */
const RECENT_DAYS = 28

/**
 * Looks at the latest days of some logs that are over: whether what came in is still what the model's
 * training and the days before let expect.
 *
 * @throws MONITORING_NOTHING_TO_LOOK_AT without a day that is over; SERVING_LOG_INCOMPLETE,
 * SERVING_LOG_DAMAGED, DRIFT_SETTING_INVALID, INTERRUPTED
 */
export const monitorLog = async (options: MonitorOptions): Promise<MonitorReport> => {
  const { model, folders } = options
  const logged = await daysOfLog(options)
  if (logged.days.length === 0)
    throw new VigiaError('MONITORING_NOTHING_TO_LOOK_AT', {
      folder: folders.join(', '),
      reason: whyNothing(logged),
    })
  const looked = logged.days.slice(-options.looks)
  const served = logged.days.slice(0, -looked.length)
  // What was served is told by the log, whatever training says of the same day.
  const known = new Set(logged.days.map(({ day }) => day))
  const training = model.trainingDays.filter(({ day }) => !known.has(day) && day < looked[0]!.day)
  const { importance } = model.loaded.artifact.reference
  const detector = new DriftDetector({
    layout: model.layout,
    history: [...training, ...served],
    ...(importance !== undefined && { importance }),
    ...(options.settings !== undefined && { settings: options.settings }),
  })
  const looks = looked.map((day) => ({ ...detector.look(day), date: dateOf(day.day) }))
  const latest = looks.at(-1)!
  const beyond = beyondLimit(latest)
  const before = [...training, ...served, ...looked.slice(0, -1)]
  const { description } = model.loaded
  return {
    schema: 1,
    model: {
      name: description.name,
      version: description.version,
      sha256: description.sha256,
      threshold: description.threshold,
    },
    source: folders,
    rows: logged.rows,
    left: { tooOld: logged.tooOld, unreadable: logged.unreadable },
    unfinished:
      logged.unfinished === undefined
        ? null
        : { date: dateOf(logged.unfinished.day), rows: logged.unfinished.profile.rows },
    days: [
      ...reported(training, 'training'),
      ...reported(served, 'history'),
      ...reported(looked, 'looked at'),
    ].sort((a, b) => (a.date < b.date ? -1 : 1)),
    looks,
    severity: latest.severity,
    changed: await changedFeatures(beyond.slice(0, MOST_CHANGED), before, looked.at(-1)!, logged, options),
    changedCount: beyond.length,
    advice: adviceOn(latest),
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
  logged: DaysOfLog,
  options: MonitorOptions,
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
  if (parts.length > 0) await findExamples(parts, day.day, logged, options)
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
  readonly column: MonitorOptions['model']['layout']['columns'][number]
  readonly grown: GrownBins
  readonly examples: ChangedRow[]
}

/** Reads the day again for a few rows that show each change. */
const findExamples = async (
  parts: readonly SoughtExamples[],
  day: number,
  { firstRecords }: DaysOfLog,
  options: MonitorOptions,
): Promise<void> => {
  const { fitted } = options.model.loaded
  const after = (firstRecords.get(day) ?? 1) - 1
  await eachDecision({ ...options, after }, ({ sequence, decision, vector, score }) => {
    const { transactionId, eventTimeMs } = decision.transaction
    if (Math.floor(eventTimeMs / DAY_MS) !== day) return
    for (const { feature, place, column, grown, examples } of parts) {
      const value = vector[place]!
      if (examples.length >= MOST_EXAMPLES || !grown.has(placeOf(column, value))) continue
      const text = tellFeature(feature, value, fitted)
      examples.push({ feature: feature.name, transactionId, sequence, text, probability: score })
    }
  })
}

const categoriesOf = (
  feature: Feature,
  bins: SoughtExamples['column']['bins'],
  { model }: MonitorOptions,
): Readonly<Record<string, string>> => {
  if (bins.kind === 'numeric') return {}
  const named = bins.codes.map(
    (code) => [String(code), categoryOf(feature, code, model.loaded.fitted)] as const,
  )
  return Object.fromEntries(named.filter((entry): entry is readonly [string, string] => entry[1] !== null))
}
