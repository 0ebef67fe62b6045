import { basename } from 'node:path'
import {
  canNameLoggedModel,
  type ExperimentTracker,
  type LoggedModel,
} from '../../ports/experiment-tracker.ts'
import { downloadAll, openArtifactPlace, uploadAll } from './mlflow-artifacts.ts'
import type { MlflowClient, MlflowRefusal } from './mlflow-client.ts'
import { REQUEST_TAG } from './mlflow-messages.ts'
import { find, get, notFound, post, write } from './mlflow-requests.ts'
import type { TrackedRuns } from './tracked-runs.ts'

/** Logged models of an MLflow server, which has them from version 3 on. */
export const loggedModelCalls = (
  client: MlflowClient,
  runs: TrackedRuns,
): Pick<ExperimentTracker, 'listLoggedModels' | 'downloadLoggedModel'> => ({
  async listLoggedModels(runId) {
    const { info } = await runs.read(runId)
    const found = await search(client, info.experiment_id, runId)
    return (found ?? []).map(modelOf).sort((a, b) => (a.name < b.name ? -1 : 1))
  },

  async downloadLoggedModel(modelId, localFolder) {
    const uri = await placeOfLoggedModel(client, modelId)
    if (await downloadAll(openArtifactPlace(client, uri), '', localFolder)) return
    throw notFound(client, `files of logged model ${modelId} at ${uri}`)
  },
})

/** Where the files of a logged model lie. @throws TRACKING_NOT_FOUND */
export const placeOfLoggedModel = async (client: MlflowClient, modelId: string): Promise<string> => {
  const path = `logged-models/${encodeURIComponent(modelId)}`
  const body = await find<{ model: WireLoggedModel }>(client, get(path, {}))
  if (body === undefined) throw notFound(client, `logged model ${modelId}`)
  return body.model.info.artifact_uri ?? ''
}

/**
 * Makes the folder `localPath`, which is at `artifactPath` among the artifacts of the run, a logged model of
 * it: MLflow keeps its files apart, so they are sent again. The one that is there already is written over.
 * Without effect on servers that know no logged models.
 */
export const logModel = async (
  client: MlflowClient,
  runs: TrackedRuns,
  runId: string,
  { localPath, artifactPath }: { readonly localPath: string; readonly artifactPath: string },
): Promise<void> => {
  const name = basename(artifactPath)
  if (!canNameLoggedModel(name)) return
  const { info, outputs } = await runs.read(runId)
  const found = await search(client, info.experiment_id, runId)
  if (found === undefined) return
  const model =
    found.find((each) => each.info.name === name) ?? (await create(client, info.experiment_id, runId, name))
  const { model_id: id, artifact_uri: uri = '' } = model.info
  await uploadAll(openArtifactPlace(client, uri), localPath, '')
  const what = `logged model ${name} of run ${runId}`
  const finish = { model_id: id, status: 'LOGGED_MODEL_READY' }
  const path = `/api/2.0/mlflow/logged-models/${encodeURIComponent(id)}`
  await write(client, { method: 'PATCH', path, body: finish }, what)
  // The server would note it as often as it is told.
  if (outputs?.model_outputs?.some(({ model_id }) => model_id === id)) return
  await write(client, post('runs/outputs', { run_id: runId, models: [{ model_id: id, step: 0 }] }), what)
}

interface WireLoggedModel {
  readonly info: {
    readonly model_id: string
    readonly name?: string
    readonly artifact_uri?: string
  }
}

const modelOf = ({ info }: WireLoggedModel): LoggedModel => ({ id: info.model_id, name: info.name ?? '' })

/** Logged models of a run; undefined on servers that know none. */
const search = async (
  client: MlflowClient,
  experimentId: string,
  runId: string,
): Promise<readonly WireLoggedModel[] | undefined> => {
  const filter = `source_run_id = '${runId}'`
  const answer = await client.call(
    post('logged-models/search', { experiment_ids: [experimentId], filter, max_results: PAGE }),
  )
  if (!('refusal' in answer)) return (answer.body as { models?: readonly WireLoggedModel[] }).models ?? []
  if (isUnknownRoute(answer.refusal)) return undefined
  throw client.refused(answer.refusal)
}

/** Models of one run: a handful. */
const PAGE = 50

const isUnknownRoute = ({ status, errorCode }: MlflowRefusal): boolean =>
  (status === 404 || status === 405) && errorCode !== 'RESOURCE_DOES_NOT_EXIST'

const create = async (
  client: MlflowClient,
  experimentId: string,
  runId: string,
  name: string,
): Promise<WireLoggedModel> => {
  const made = await client.createOnce<WireLoggedModel>(
    (key) =>
      post('logged-models', {
        experiment_id: experimentId,
        name,
        source_run_id: runId,
        tags: [{ key: REQUEST_TAG, value: key }],
      }),
    (body) => (body as { model: WireLoggedModel }).model,
    async () => (await search(client, experimentId, runId))?.find(({ info }) => info.name === name),
  )
  if ('refusal' in made) throw client.refused(made.refusal)
  return made
}
