import { againWithin, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { DAY_MS } from '../foundation/days.ts'
import {
  type DaysOfLog,
  type DaysOfLogOptions,
  eachDecisionFrom,
  keptDaysOfLog,
  readDaysOfLog,
} from './days-of-log.ts'
import { type DaysSource, type MonitorDaysOptions, monitorDays } from './monitor-days.ts'
import type { MonitorReport } from './monitor-report.ts'
import { readersFor } from './monitored-model.ts'
import { type OutcomesOptions, outcomesOfLog } from './outcomes-of-log.ts'

export type MonitorOptions = DaysOfLogOptions & MonitorDaysOptions & Pick<OutcomesOptions, 'flagged'>

/**
 * Looks at the latest days of some logs that are over: whether what came in is still what the model's
 * training and the days before let expect, how good the decisions were as far as labels tell, and whether the
 * data were whole.
 *
 * @throws MONITORING_NOTHING_TO_LOOK_AT without a day that is over; SERVING_LOG_INCOMPLETE,
 * SERVING_LOG_DAMAGED, DRIFT_SETTING_INVALID, INTERRUPTED
 */
export const monitorLog = async (given: MonitorOptions): Promise<MonitorReport> => {
  // First, so that all that is read after it has every record that these days have.
  const kept = await keptDaysOfLog(given)
  // What is not archived yet is made readable once, for all that reads it.
  return withLoggedEntries(given, async (logged) => {
    const options = { ...given, reading: againWithin(logged) }
    const { model, work, nowMs, flagged = 'reviewed' } = options
    const days = kept ?? (await readDaysOfLog(options))
    return monitorDays(
      {
        names: options.folders,
        days,
        outcomesOf: (firstDay, lastDay) =>
          outcomesOfLog(logged, {
            model,
            work,
            firstDay,
            lastDay,
            flagged,
            ...(nowMs !== undefined && { nowMs }),
          }),
        eachOfDay: rowsOfDay(days, options),
      },
      options,
    )
  })
}

/** Reads a day from its first record on. */
const rowsOfDay =
  ({ firstRecords }: DaysOfLog, options: DaysOfLogOptions): DaysSource['eachOfDay'] =>
  async (day, begin, onRow) => {
    const readerOf = readersFor(options.model)
    await eachDecisionFrom(options, firstRecords.get(day) ?? 1, begin, (logged) => {
      const { sequence, decision } = logged
      const { transactionId, eventTimeMs } = decision.transaction
      if (Math.floor(eventTimeMs / DAY_MS) !== day || decision.timing === 'too_old') return true
      const seen = readerOf(logged.by)?.(logged.vector, decision.probability)
      return seen === undefined || onRow({ transactionId, sequence, vector: seen.vector, score: seen.score })
    })
  }
