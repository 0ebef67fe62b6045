import { VigiaError } from '../../errors.ts'
import type {
  DatasetInput,
  Experiment,
  ExperimentTracker,
  Metric,
  RunEntries,
  TrackedRun,
} from '../../ports/experiment-tracker.ts'
import {
  checkExperimentName,
  checkTrackingKey,
  checkTrackingValue,
  checkWhole,
  TRACKING_LIMITS,
} from '../../ports/tracking-limits.ts'
import { type LogBatch, splitLogBatches, textsOf } from './log-batches.ts'
import { downloadAll, openArtifactPlace, uploadAll } from './mlflow-artifacts.ts'
import type { MlflowClient, MlflowRefusal, MlflowRequest } from './mlflow-client.ts'
import {
  datasetToWire,
  experimentOf,
  inputsOf,
  metricOf,
  REQUEST_TAG,
  runOf,
  type WireExperiment,
  type WireMetric,
  type WireRun,
} from './mlflow-messages.ts'
import { searchRuns } from './search-runs.ts'

/**
 * Runs recorded by an MLflow server, over the REST interface of MLflow 2.0 and later.
 *
 * What is made bears the tag `vigia.request`, by which it is found again when an answer was lost; it is not
 * among the tags that are given back. Three things are MLflow's: a data set of one name and digest is kept
 * once per experiment, as it was first described; a run that is started again keeps its old end time in the
 * server until its next end (not shown here while it runs); infinities come back from SQL stores as the
 * largest doubles (read as infinities here).
 */
export const createMlflowTracker = (client: MlflowClient): ExperimentTracker => {
  const artifactUris = new Map<string, string>()

  const getRun = async (runId: string): Promise<WireRun> => {
    const answer = await client.call(get('runs/get', { run_id: runId }))
    if ('refusal' in answer) throw orNotFound(answer.refusal, `run ${runId}`)
    const { run } = answer.body as { run: WireRun }
    if (run.info.artifact_uri !== undefined) artifactUris.set(runId, run.info.artifact_uri)
    return run
  }

  /** A run's place never changes, so it is asked for once. */
  const placeOf = async (runId: string) => {
    if (!artifactUris.has(runId)) await getRun(runId)
    return openArtifactPlace(client, artifactUris.get(runId) ?? '')
  }

  const orNotFound = (refusal: MlflowRefusal, what: string): VigiaError =>
    refusal.errorCode === 'RESOURCE_DOES_NOT_EXIST'
      ? new VigiaError('TRACKING_NOT_FOUND', { location: client.location, what })
      : client.refused(refusal)

  const findByName = async (name: string): Promise<WireExperiment | undefined> => {
    const answer = await client.call(get('experiments/get-by-name', { experiment_name: name }))
    if (!('refusal' in answer)) return (answer.body as { experiment: WireExperiment }).experiment
    if (answer.refusal.errorCode === 'RESOURCE_DOES_NOT_EXIST') return undefined
    throw client.refused(answer.refusal)
  }

  const exists = (name: string, holder: WireExperiment | undefined): VigiaError =>
    new VigiaError('TRACKING_EXPERIMENT_EXISTS', {
      location: client.location,
      name,
      detail: holder?.lifecycle_stage === 'deleted' ? ', which was deleted' : '',
    })

  const write = async (request: MlflowRequest, what: string): Promise<void> => {
    const answer = await client.call(request)
    if ('refusal' in answer) throw orNotFound(answer.refusal, what)
  }

  /**
   * One call of log-batch. Parameters that differ from what is there are refused by name. Where two write the
   * same at once, the database turns one of them away (BAD_REQUEST), although nothing contradicts: that one
   * goes again.
   */
  const logBatch = async (runId: string, batch: LogBatch): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await client.call(post('runs/log-batch', { run_id: runId, ...batch }))
      if (!('refusal' in answer)) return
      const { refusal } = answer
      if (refusal.status !== 400) throw orNotFound(refusal, `run ${runId}`)
      await refuseChangedParams(runId, batch)
      if (refusal.errorCode !== 'BAD_REQUEST' || attempt === COLLISIONS) throw client.refused(refusal)
    }
  }

  const refuseChangedParams = async (runId: string, batch: LogBatch): Promise<void> => {
    if (batch.params.length === 0) return
    const { params } = runOf(await getRun(runId))
    for (const { key, value } of batch.params) {
      const present = params[key]
      if (present !== undefined && present !== value)
        throw new VigiaError('TRACKING_PARAM_CONFLICT', { key, run: runId, present, got: value })
    }
  }

  return {
    location: client.location,

    async createExperiment(name, tags = {}) {
      checkExperimentName('Experiment', name)
      checkTags(tags)
      const made = await client.createOnce<Experiment>(
        (key) => post('experiments/create', { name, tags: textsOf({ ...tags, [REQUEST_TAG]: key }) }),
        (body) => ({ id: (body as { experiment_id: string }).experiment_id, name, tags }),
        async (key) => {
          const found = await findByName(name)
          return found?.tags?.some((tag) => tag.value === key) ? experimentOf(found) : undefined
        },
      )
      if (!('refusal' in made)) return made
      if (made.refusal.errorCode === 'RESOURCE_ALREADY_EXISTS') throw exists(name, await findByName(name))
      throw client.refused(made.refusal)
    },

    async renameExperiment(id, name) {
      checkExperimentName('Experiment', name)
      const answer = await client.call(post('experiments/update', { experiment_id: id, new_name: name }))
      if (!('refusal' in answer)) return
      // The server has no word of its own for a name that is taken.
      const holder = await findByName(name)
      if (holder !== undefined && holder.experiment_id !== id) throw exists(name, holder)
      throw orNotFound(answer.refusal, `experiment ${id}`)
    },

    async findExperiment(name) {
      const found = await findByName(name)
      return found === undefined || found.lifecycle_stage === 'deleted' ? undefined : experimentOf(found)
    },

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
      if ('refusal' in made) throw orNotFound(made.refusal, `experiment ${experimentId}`)
      artifactUris.set(made.id, made.artifactUri)
      return made
    },

    getRun: async (runId) => runOf(await getRun(runId)),

    searchRuns: (query) => searchRuns(client, query),

    async logEntries(runId, entries) {
      checkEntries(entries)
      for (const batch of splitLogBatches(entries)) await logBatch(runId, batch)
    },

    async logInputs(runId, inputs) {
      inputs.forEach(checkInput)
      if (inputs.length === 0) return
      await write(
        post('runs/log-inputs', { run_id: runId, datasets: inputs.map(datasetToWire) }),
        `run ${runId}`,
      )
    },

    listInputs: async (runId) => inputsOf(await getRun(runId)),

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
        if ('refusal' in answer) throw orNotFound(answer.refusal, `run ${runId}`)
        const { metrics = [], next_page_token } = answer.body as HistoryPage
        for (const metric of metrics) values.push(metricOf(metric))
        page = next_page_token || undefined
      } while (page !== undefined)
      return values.sort((a, b) => a.step - b.step || a.timestampMs - b.timestampMs)
    },

    async setRunStatus(runId, status, endTimeMs) {
      if (endTimeMs !== undefined) checkWhole('End time of run', runId, endTimeMs)
      const end = endTimeMs === undefined ? {} : { end_time: endTimeMs }
      await write(post('runs/update', { run_id: runId, status, ...end }), `run ${runId}`)
    },

    async logArtifact(runId, localPath, artifactPath) {
      checkTrackingKey('Artifact path', artifactPath)
      const place = await placeOf(runId)
      await uploadAll(place, localPath, artifactPath)
      if (place.isLocal) await checkServerSees(client, runId, artifactPath)
    },

    async listArtifacts(runId, folder = '') {
      const entries = await (await placeOf(runId)).list(folder)
      return [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
    },

    async downloadArtifact(runId, artifactPath, localPath) {
      if (await downloadAll(await placeOf(runId), artifactPath, localPath)) return
      const what = `artifact ${artifactPath} of run ${runId}`
      throw new VigiaError('TRACKING_NOT_FOUND', { location: client.location, what })
    },

    // Global fetch holds the connections; idle ones do not keep a process alive.
    async close() {
      client.close()
    },
  }
}

/** Times that a batch goes again after a collision in the database. */
const COLLISIONS = 5

const HISTORY_PAGE = 10_000

interface HistoryPage {
  readonly metrics?: readonly WireMetric[]
  readonly next_page_token?: string
}

const post = (path: string, body: object): MlflowRequest => ({
  method: 'POST',
  path: `/api/2.0/mlflow/${path}`,
  body,
})

const get = (path: string, query: NonNullable<MlflowRequest['query']>): MlflowRequest => ({
  method: 'GET',
  path: `/api/2.0/mlflow/${path}`,
  query,
})

const checkTags = (tags: Readonly<Record<string, string>>): void => {
  for (const [key, value] of Object.entries(tags)) {
    checkTrackingKey('Tag', key)
    checkTrackingValue('tag', key, value)
  }
}

const checkEntries = ({ params = {}, metrics = [], tags = {} }: RunEntries): void => {
  for (const [key, value] of Object.entries(params)) {
    checkTrackingKey('Parameter', key)
    checkTrackingValue('param', key, value)
  }
  for (const { key, step, timestampMs } of metrics) {
    checkTrackingKey('Metric', key)
    checkWhole('Step of metric', key, step)
    checkWhole('Time of metric', key, timestampMs)
  }
  checkTags(tags)
}

const checkRunName = (name: string): void => {
  if (name.length > 0 && name.length <= TRACKING_LIMITS.name) return
  const allowed = `1 to ${TRACKING_LIMITS.name} characters`
  throw new VigiaError('TRACKING_NAME_INVALID', { what: 'Run', got: name, allowed })
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

/** A local folder may be one of the server's machine only; then ours has files now that nobody will see. */
const checkServerSees = async (client: MlflowClient, runId: string, artifactPath: string): Promise<void> => {
  const folder = artifactPath.includes('/') ? artifactPath.slice(0, artifactPath.lastIndexOf('/')) : undefined
  const { files = [] } = await client.ask<{ files?: readonly { path: string }[] }>(
    get('artifacts/list', { run_id: runId, path: folder }),
  )
  if (files.some(({ path }) => path === artifactPath)) return
  throw new VigiaError('TRACKING_REFUSED', {
    location: client.location,
    request: `artifact ${artifactPath} of run ${runId}`,
    reason:
      'its artifacts lie on a disk of its own; start it with --serve-artifacts, and make another experiment',
  })
}
