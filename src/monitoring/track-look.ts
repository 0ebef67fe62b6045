import { SEVERITIES } from '../drift/severity.ts'
import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { Experiment, ExperimentTracker, Metric } from '../ports/experiment-tracker.ts'
import type { LookFigures } from './look-figures.ts'

/**
 * Writes the figures of a look into an experiment: one run for each version of a model, a value of each
 * metric for each day, by days since 1970. A day that is looked at again is there once.
 *
 * @throws what the tracker throws
 */
export const trackLook = async (
  tracker: ExperimentTracker,
  experimentName: string,
  figures: LookFigures,
  nowMs: number,
): Promise<void> => {
  const experiment = await experimentOf(tracker, experimentName)
  const run = await runOf(tracker, experiment, figures, nowMs)
  await tracker.logEntries(run, { metrics: metricsOf(figures) })
  // It grows each day, and nobody works on it in between.
  await tracker.setRunStatus(run, 'FINISHED', nowMs)
}

const experimentOf = async (tracker: ExperimentTracker, name: string): Promise<Experiment> => {
  const known = await tracker.findExperiment(name)
  if (known !== undefined) return known
  try {
    return await tracker.createExperiment(name)
  } catch (error) {
    // Another server was there first.
    const other = await tracker.findExperiment(name)
    if (other === undefined || !(error instanceof VigiaError)) throw error
    return other
  }
}

const runOf = async (
  tracker: ExperimentTracker,
  { id: experimentId }: Experiment,
  { model, version }: LookFigures,
  nowMs: number,
): Promise<string> => {
  const tags = { 'vigia.monitored_model': model, 'vigia.monitored_version': version }
  const { items } = await tracker.searchRuns({ experimentIds: [experimentId], tags, pageSize: 1 })
  if (items[0] !== undefined) return items[0].id
  const name = `${model} ${version}`
  return (await tracker.createRun({ experimentId, name, startTimeMs: nowMs, tags })).id
}

const metricsOf = (figures: LookFigures): readonly Metric[] => {
  // Of the day, whenever it was looked at, so that the same value is the same.
  const timestampMs = Date.parse(figures.date)
  const values = {
    drift_statistic: figures.statistic,
    drift_limit: figures.limit,
    drift_severity: SEVERITIES.indexOf(figures.severity),
    changed_features: figures.changedFeatures,
    alert_rate: figures.alertRate,
    usual_alert_rate: figures.usualAlertRate,
    rows: figures.rows,
  }
  return Object.entries(values).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value, timestampMs, step: Math.floor(timestampMs / DAY_MS) }],
  )
}
