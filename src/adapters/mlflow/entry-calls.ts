import { VigiaError } from '../../errors.ts'
import type { DatasetInput, ExperimentTracker, Metric } from '../../ports/experiment-tracker.ts'
import { checkEntries } from '../../ports/tracking-limits.ts'
import { type LogBatch, splitLogBatches } from './log-batches.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { datasetToWire, inputsOf, metricOf, runOf, type WireMetric } from './mlflow-messages.ts'
import { get, orNotFound, post, write } from './mlflow-requests.ts'
import type { TrackedRuns } from './tracked-runs.ts'

/** What belongs to a run of an MLflow server. */
export const entryCalls = (
  client: MlflowClient,
  runs: TrackedRuns,
): Pick<ExperimentTracker, 'logEntries' | 'metricHistory' | 'logInputs' | 'listInputs'> => ({
  async logEntries(runId, entries) {
    checkEntries(entries)
    for (const batch of splitLogBatches(entries)) await logBatch(client, runs, runId, batch)
  },

  async metricHistory(runId, key) {
    const values: Metric[] = []
    let page: string | undefined
    do {
      const answer = await client.call(
        get('metrics/get-history', {
          run_id: runId,
          metric_key: key,
          max_results: HISTORY_PAGE,
          page_token: page,
        }),
      )
      if ('refusal' in answer) throw orNotFound(client, answer.refusal, `run ${runId}`)
      const { metrics = [], next_page_token } = answer.body as HistoryPage
      for (const metric of metrics) values.push(metricOf(metric))
      page = next_page_token || undefined
    } while (page !== undefined)
    return values.sort((a, b) => a.step - b.step || a.timestampMs - b.timestampMs)
  },

  async logInputs(runId, inputs) {
    inputs.forEach(checkInput)
    if (inputs.length === 0) return
    await write(
      client,
      post('runs/log-inputs', { run_id: runId, datasets: inputs.map(datasetToWire) }),
      `run ${runId}`,
    )
  },

  listInputs: async (runId) => inputsOf(await runs.read(runId)),
})

/** Times that a batch goes again after a collision in the database. */
const COLLISIONS = 5

const HISTORY_PAGE = 10_000

interface HistoryPage {
  readonly metrics?: readonly WireMetric[]
  readonly next_page_token?: string
}

/**
 * One call of log-batch. Parameters that differ from what is there are refused by name. Where two write the
 * same at once, the database turns one of them away (BAD_REQUEST), although nothing contradicts: that one
 * goes again.
 */
const logBatch = async (
  client: MlflowClient,
  runs: TrackedRuns,
  runId: string,
  batch: LogBatch,
): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await client.call(post('runs/log-batch', { run_id: runId, ...batch }))
    if (!('refusal' in answer)) return
    const { refusal } = answer
    if (refusal.status !== 400) throw orNotFound(client, refusal, `run ${runId}`)
    await refuseChangedParams(runs, runId, batch)
    if (refusal.errorCode !== 'BAD_REQUEST' || attempt === COLLISIONS) throw client.refused(refusal)
  }
}

const refuseChangedParams = async (runs: TrackedRuns, runId: string, batch: LogBatch): Promise<void> => {
  if (batch.params.length === 0) return
  const { params } = runOf(await runs.read(runId))
  for (const { key, value } of batch.params) {
    const present = params[key]
    if (present !== undefined && present !== value)
      throw new VigiaError('TRACKING_PARAM_CONFLICT', { key, run: runId, present, got: value })
  }
}

const checkInput = ({ name, digest }: DatasetInput): void => {
  for (const [what, text, longest] of [
    ['Data set', name, 500],
    ['Digest', digest, 36],
  ] as const)
    if (text.length === 0 || text.length > longest)
      throw new VigiaError('TRACKING_NAME_INVALID', {
        what,
        got: text,
        allowed: `1 to ${longest} characters`,
      })
}
