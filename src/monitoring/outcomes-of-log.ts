import type { ControlSample } from '../decisions/control-sample.ts'
import type { LoggedEntries } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { FlaggedTreatment } from '../performance/logged-events.ts'
import { tokenOf } from '../transaction/token.ts'
import { type DecisionSpan, type LoggedRows, readLoggedRows, readSpan } from './logged-rows.ts'
import type { MonitoredModel } from './monitored-model.ts'
import { OutcomeBook } from './outcome-book.ts'
import { performanceOf } from './performance-of-rows.ts'
import type { PerformanceSection } from './performance-section.ts'
import { QualityDays } from './quality-days.ts'
import { qualityOf } from './quality-of-days.ts'
import type { QualitySection } from './quality-section.ts'
import { segmentOf } from './segment.ts'
import { readToldLabels } from './told-labels.ts'

export interface OutcomesOptions {
  readonly model: MonitoredModel
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** Days whose data are judged, both included. */
  readonly firstDay: number
  readonly lastDay: number
  /** Default: reviewed. */
  readonly flagged?: FlaggedTreatment
  /** By this clock the days before today are over; left out: as far as decisions and labels go. */
  readonly nowMs?: number
}

/** What a log tells beside drift. */
export interface OutcomesOfLog {
  /** Null where no day of decisions is over. */
  readonly performance: PerformanceSection | null
  readonly quality: QualitySection
}

/**
 * How good the decisions of a log were, and whether its data were whole: its labels are read first, then
 * every decision once, without its features.
 *
 * Days of decisions, labels and what was known when go by the clock of the server that decided; days of data
 * by the time of the events. Where a history is sent at once, all of it was decided on one day.
 */
export const outcomesOfLog = async (
  logged: Pick<LoggedEntries, 'archives' | 'connect' | 'modelOf'>,
  { model, work, firstDay, lastDay, flagged = 'reviewed', nowMs = Number.NEGATIVE_INFINITY }: OutcomesOptions,
): Promise<OutcomesOfLog> => {
  const connection = await logged.connect()
  const told = await readToldLabels(connection, logged.archives)
  const span = await readSpan(connection, logged.archives)
  // Days that are over: what was decided and told in the hours since is looked at when the day is.
  const asOfMs = Math.floor(Math.max(span.latestMs, told.latestMs, nowMs) / DAY_MS) * DAY_MS
  const watched = watchedModel(span, asOfMs, model)
  const { name, version } =
    watched.key === model.loaded.key ? model.loaded.description : await logged.modelOf(watched.key)
  const book = new OutcomeBook(told, asOfMs, flagged)
  const { artifact, settings, fitted } = model.loaded
  const days = new QualityDays({ fitted, reference: artifact.reference, amounts: settings.amounts })
  let done = 0
  for await (const rows of readLoggedRows(connection, logged.archives, work)) {
    days.add(rows)
    addOutcomes(book, rows, watched, span.currency)
    done += rows.rowCount
    work.reportProgress({ activity: 'reading decisions and labels', done, unit: 'records' })
  }
  days.end()
  return {
    performance: performanceOf({
      book,
      asOfMs,
      labelDelayMs: settings.limits.user.labelDelayMs,
      threshold: watched.threshold,
      watched: { model: `${name} ${version}`, sinceDay: watched.sinceDay },
      currency: span.currency,
    }),
    quality: qualityOf(days.summaries, firstDay, lastDay, (day) => days.empty(day)),
  }
}

interface WatchedModel {
  readonly key: string
  readonly sinceDay: number
  readonly threshold: number
}

/**
 * Whose decisions tests watch: the model that makes most of them by now, from the first day in a row on which
 * it does. Another model is another baseline.
 */
const watchedModel = (
  { leaders }: DecisionSpan,
  asOfMs: number,
  { loaded }: MonitoredModel,
): WatchedModel => {
  const over = leaders.filter(({ day }) => day * DAY_MS < asOfMs)
  const last = over.at(-1)
  if (last === undefined)
    return { key: loaded.key, sinceDay: asOfMs / DAY_MS, threshold: loaded.scorer.threshold }
  const before = over.findLastIndex(({ model }) => model !== last.model)
  return { key: last.model, sinceDay: over[before + 1]!.day, threshold: last.threshold }
}

const drawOf = (drawn: string | null, propensity: number): ControlSample | undefined =>
  drawn === null ? undefined : { drawn: drawn as ControlSample['drawn'], propensity }

const addOutcomes = (
  book: OutcomeBook,
  { rowCount, numbers, texts, isRepeated }: LoggedRows,
  { key, sinceDay }: WatchedModel,
  currency: string | null,
): void => {
  for (let row = 0; row < rowCount; row++) {
    if (isRepeated[row] === 1) continue
    const decidedAtMs = numbers.decidedAtMs[row]!
    book.add({
      token: tokenOf(texts.transactionId[row]!),
      decidedAtMs,
      probability: numbers.probability[row]!,
      isFlagged: numbers.isFlagged[row] === 1,
      controlSample: drawOf(texts.drawn[row] ?? null, numbers.propensity[row]!),
      amountMinor: texts.currency[row] === currency ? numbers.amountMinor[row]! : Number.NaN,
      segment: segmentOf(texts.transactionType[row] ?? undefined) ?? '',
      isWatched: texts.model[row] === key && decidedAtMs >= sinceDay * DAY_MS,
    })
  }
}
