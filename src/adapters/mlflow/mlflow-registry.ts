import type { ModelRegistry, ModelVersion, RegisteredModel } from '../../ports/model-registry.ts'
import { checkAlias, checkModelName, checkTags, checkTrackingKey } from '../../ports/tracking-limits.ts'
import { textsOf, type WireText } from './log-batches.ts'
import { placeOfLoggedModel } from './logged-model-calls.ts'
import { downloadAll, openArtifactPlace } from './mlflow-artifacts.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { REQUEST_TAG, textsFromWire, type WireRun } from './mlflow-messages.ts'
import { find, get, notFound, orNotFound, post, write } from './mlflow-requests.ts'
import { numberFromWire } from './wire-numbers.ts'

/** Models registered with an MLflow server; created versions bear the tag `vigia.request` as runs do. */
export const createMlflowRegistry = (client: MlflowClient): ModelRegistry => ({
  location: client.location,
  ...modelCalls(client),
  ...versionCalls(client),
  ...aliasCalls(client),
})

/** Models. */
const modelCalls = (
  client: MlflowClient,
): Pick<ModelRegistry, 'ensureModel' | 'findModel' | 'listModels'> => ({
  async ensureModel(name, description) {
    checkModelName('Model', name)
    const answer = await client.call(post('registered-models/create', { name, description }))
    if ('refusal' in answer && answer.refusal.errorCode !== 'RESOURCE_ALREADY_EXISTS')
      throw client.refused(answer.refusal)
    const model = await findModel(client, name)
    if (model === undefined) throw notFound(client, `model ${name}`)
    return model
  },

  findModel: (name) => findModel(client, name),

  async listModels(page) {
    const body = await client.ask<{
      registered_models?: readonly WireModel[]
      next_page_token?: string
    }>(
      get('registered-models/search', {
        max_results: PAGE,
        order_by: 'name ASC',
        page_token: page,
      }),
    )
    return {
      items: (body.registered_models ?? []).map(modelOf),
      ...(body.next_page_token && { nextPage: body.next_page_token }),
    }
  },
})

/** Their versions. */
const versionCalls = (
  client: MlflowClient,
): Pick<
  ModelRegistry,
  'createVersion' | 'findVersion' | 'listVersions' | 'tagVersion' | 'downloadVersion'
> => ({
  async createVersion({ name, runId, artifactPath, description = '', tags = {} }) {
    checkTrackingKey('Artifact path', artifactPath)
    checkTags(tags)
    const source = `${await artifactUriOf(client, runId)}/${artifactPath}`
    const made = await client.createOnce<WireVersion>(
      (key) =>
        post('model-versions/create', {
          name,
          source,
          run_id: runId,
          description,
          tags: textsOf({ ...tags, [REQUEST_TAG]: key }),
        }),
      (body) => (body as { model_version: WireVersion }).model_version,
      async (key) => {
        const filter = `name = '${name}' AND tags.\`${REQUEST_TAG}\` = '${key}'`
        return (await searchVersions(client, filter, 1)).model_versions?.[0]
      },
    )
    if ('refusal' in made) throw orNotFound(client, made.refusal, `model ${name}`)
    return versionOf(made, {})
  },

  async findVersion(name, version) {
    const query = { name, version: String(version) }
    const body = await find<{ model_version: WireVersion }>(client, get('model-versions/get', query))
    if (body === undefined) return undefined
    const { aliases = [] } = body.model_version
    return versionOf(body.model_version, Object.fromEntries(aliases.map((alias) => [alias, version])))
  },

  async listVersions(name, page) {
    checkModelName('Model', name)
    // A search does not tell aliases: they are the model's.
    const aliases = (await findModel(client, name))?.aliases ?? {}
    const body = await searchVersions(
      client,
      `name = '${name}'${page === undefined ? '' : ` AND version_number < ${Number(page)}`}`,
      PAGE,
    )
    const items = (body.model_versions ?? []).map((version) => versionOf(version, aliases))
    const last = items.at(-1)
    return { items, ...(body.next_page_token && last && { nextPage: String(last.version) }) }
  },

  async tagVersion(name, version, tags) {
    checkTags(tags)
    for (const { key, value } of textsOf(tags)) {
      const body = { name, version: String(version), key, value }
      await write(client, post('model-versions/set-tag', body), `version ${version} of model ${name}`)
    }
  },

  async downloadVersion(name, version, localFolder) {
    const what = `version ${version} of model ${name}`
    const query = { name, version: String(version) }
    const body = await find<{ artifact_uri: string }>(client, get('model-versions/get-download-uri', query))
    if (body === undefined) throw notFound(client, what)
    const uri = await resolved(client, body.artifact_uri)
    if (await downloadAll(openArtifactPlace(client, uri), '', localFolder)) return
    throw notFound(client, `files of ${what} at ${uri}`)
  },
})

/** Names of versions. */
const aliasCalls = (client: MlflowClient): Pick<ModelRegistry, 'setAlias' | 'deleteAlias'> => ({
  async setAlias(name, alias, version) {
    checkAlias(alias)
    const body = { name, alias, version: String(version) }
    await write(client, post('registered-models/alias', body), `version ${version} of model ${name}`)
  },

  async deleteAlias(name, alias) {
    await find(client, {
      method: 'DELETE',
      path: '/api/2.0/mlflow/registered-models/alias',
      body: { name, alias },
    })
  },
})

const findModel = async (client: MlflowClient, name: string): Promise<RegisteredModel | undefined> => {
  const body = await find<{ registered_model: WireModel }>(client, get('registered-models/get', { name }))
  return body && modelOf(body.registered_model)
}

const searchVersions = (client: MlflowClient, filter: string, size: number) =>
  client.ask<{ model_versions?: readonly WireVersion[]; next_page_token?: string }>(
    get('model-versions/search', { filter, max_results: size, order_by: 'version_number DESC' }),
  )

/** Where the files of a version lie that was registered as `runs:/…` or `models:/m-…`. */
const resolved = async (client: MlflowClient, uri: string): Promise<string> => {
  const [, runId, path] = /^runs:\/+([^/]+)\/(.+)$/.exec(uri) ?? []
  if (runId !== undefined) return `${await artifactUriOf(client, runId)}/${path}`
  const [, loggedId] = /^models:\/+(m-[0-9a-f]+)$/.exec(uri) ?? []
  return loggedId === undefined ? uri : placeOfLoggedModel(client, loggedId)
}

/** @throws TRACKING_NOT_FOUND */
const artifactUriOf = async (client: MlflowClient, runId: string): Promise<string> => {
  const body = await find<{ run: WireRun }>(client, get('runs/get', { run_id: runId }))
  if (body?.run.info.artifact_uri === undefined) throw notFound(client, `run ${runId}`)
  return body.run.info.artifact_uri
}

const PAGE = 100

interface WireModel {
  readonly name: string
  readonly description?: string
  readonly tags?: readonly WireText[]
  readonly aliases?: readonly { readonly alias: string; readonly version: string }[]
}

interface WireVersion {
  readonly name: string
  readonly version: string
  readonly source?: string
  readonly run_id?: string
  readonly creation_timestamp?: number | string
  readonly description?: string
  readonly tags?: readonly WireText[]
  readonly aliases?: readonly string[]
}

const modelOf = ({ name, description, tags, aliases = [] }: WireModel): RegisteredModel => ({
  name,
  description: description ?? '',
  tags: textsFromWire(tags),
  aliases: Object.fromEntries(aliases.map(({ alias, version }) => [alias, Number(version)])),
})

const versionOf = (wire: WireVersion, aliases: RegisteredModel['aliases']): ModelVersion => ({
  name: wire.name,
  version: Number(wire.version),
  source: wire.source ?? '',
  ...(wire.run_id && { runId: wire.run_id }),
  createdTimeMs: numberFromWire(wire.creation_timestamp),
  description: wire.description ?? '',
  tags: textsFromWire(wire.tags),
  aliases: Object.keys(aliases)
    .filter((alias) => aliases[alias] === Number(wire.version))
    .sort(),
})
