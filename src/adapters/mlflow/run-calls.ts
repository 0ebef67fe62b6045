import { VigiaError } from '../../errors.ts'
import type { ExperimentTracker, TrackedRun } from '../../ports/experiment-tracker.ts'
import { checkTags, checkWhole, TRACKING_LIMITS } from '../../ports/tracking-limits.ts'
import { textsOf } from './log-batches.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { REQUEST_TAG, runOf, type WireRun } from './mlflow-messages.ts'
import { orNotFound, post, write } from './mlflow-requests.ts'
import { searchRuns } from './search-runs.ts'
import type { TrackedRuns } from './tracked-runs.ts'

/** Runs of an MLflow server. */
export const runCalls = (
  client: MlflowClient,
  runs: TrackedRuns,
): Pick<ExperimentTracker, 'createRun' | 'getRun' | 'searchRuns' | 'setRunStatus'> => ({
  async createRun({ experimentId, name, startTimeMs, parentRunId, tags = {} }) {
    checkRunName(name)
    checkWhole('Start time of run', name, startTimeMs)
    checkTags(tags)
    const made = await client.createOnce<TrackedRun>(
      (key) =>
        post('runs/create', {
          experiment_id: experimentId,
          run_name: name,
          start_time: startTimeMs,
          tags: textsOf({
            ...tags,
            ...(parentRunId !== undefined && { 'mlflow.parentRunId': parentRunId }),
            [REQUEST_TAG]: key,
          }),
        }),
      (body) => runOf((body as { run: WireRun }).run),
      async (key) => {
        const query = { experimentIds: [experimentId], tags: { [REQUEST_TAG]: key }, pageSize: 1 }
        return (await searchRuns(client, query)).items[0]
      },
    )
    if ('refusal' in made) throw orNotFound(client, made.refusal, `experiment ${experimentId}`)
    runs.remember(made.id, made.artifactUri)
    return made
  },

  getRun: async (runId) => runOf(await runs.read(runId)),

  searchRuns: (query) => searchRuns(client, query),

  async setRunStatus(runId, status, endTimeMs) {
    if (endTimeMs !== undefined) checkWhole('End time of run', runId, endTimeMs)
    const end = endTimeMs === undefined ? {} : { end_time: endTimeMs }
    await write(client, post('runs/update', { run_id: runId, status, ...end }), `run ${runId}`)
  },
})

const checkRunName = (name: string): void => {
  if (name.length > 0 && name.length <= TRACKING_LIMITS.name) return
  const allowed = `1 to ${TRACKING_LIMITS.name} characters`
  throw new VigiaError('TRACKING_NAME_INVALID', { what: 'Run', got: name, allowed })
}
