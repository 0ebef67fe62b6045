import { VigiaError } from '../../errors.ts'
import type { ModelRegistry, ModelVersion, RegisteredModel } from '../../ports/model-registry.ts'
import {
  checkAlias,
  checkModelName,
  checkTrackingKey,
  checkTrackingValue,
} from '../../ports/tracking-limits.ts'
import { textsOf, type WireText } from './log-batches.ts'
import { downloadAll, openArtifactPlace } from './mlflow-artifacts.ts'
import type { MlflowClient, MlflowRefusal, MlflowRequest } from './mlflow-client.ts'
import { REQUEST_TAG, textsFromWire, type WireRun } from './mlflow-messages.ts'
import { numberFromWire } from './wire-numbers.ts'

/** Models registered with an MLflow server; created versions bear the tag `vigia.request` as runs do. */
export const createMlflowRegistry = (client: MlflowClient): ModelRegistry => {
  const notFound = (what: string): VigiaError =>
    new VigiaError('TRACKING_NOT_FOUND', { location: client.location, what })

  const orNotFound = (refusal: MlflowRefusal, what: string): VigiaError =>
    isMissing(refusal) ? notFound(what) : client.refused(refusal)

  const find = async <Body>(request: MlflowRequest): Promise<Body | undefined> => {
    const answer = await client.call(request)
    if (!('refusal' in answer)) return answer.body as Body
    if (isMissing(answer.refusal)) return undefined
    throw client.refused(answer.refusal)
  }

  const write = async (request: MlflowRequest, what: string): Promise<void> => {
    const answer = await client.call(request)
    if ('refusal' in answer) throw orNotFound(answer.refusal, what)
  }

  const findModel = async (name: string): Promise<RegisteredModel | undefined> => {
    const body = await find<{ registered_model: WireModel }>(
      request('GET', 'registered-models/get', { name }),
    )
    return body && modelOf(body.registered_model)
  }

  const searchVersions = async (filter: string, page: string | undefined, size: number) =>
    client.ask<{ model_versions?: readonly WireVersion[]; next_page_token?: string }>(
      request('GET', 'model-versions/search', {
        filter,
        max_results: size,
        order_by: 'version_number DESC',
        page_token: page,
      }),
    )

  const artifactUriOf = async (runId: string): Promise<string> => {
    const body = await find<{ run: WireRun }>(request('GET', 'runs/get', { run_id: runId }))
    if (body?.run.info.artifact_uri === undefined) throw notFound(`run ${runId}`)
    return body.run.info.artifact_uri
  }

  return {
    location: client.location,

    async ensureModel(name, description) {
      checkModelName('Model', name)
      const answer = await client.call(request('POST', 'registered-models/create', { name, description }))
      if ('refusal' in answer && answer.refusal.errorCode !== 'RESOURCE_ALREADY_EXISTS')
        throw client.refused(answer.refusal)
      const model = await findModel(name)
      if (model === undefined) throw notFound(`model ${name}`)
      return model
    },

    findModel,

    async listModels(page) {
      const body = await client.ask<{
        registered_models?: readonly WireModel[]
        next_page_token?: string
      }>(
        request('GET', 'registered-models/search', {
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

    async createVersion({ name, runId, artifactPath, description = '', tags = {} }) {
      checkTrackingKey('Artifact path', artifactPath)
      checkTags(tags)
      const source = `${await artifactUriOf(runId)}/${artifactPath}`
      const made = await client.createOnce<WireVersion>(
        (key) =>
          request('POST', 'model-versions/create', {
            name,
            source,
            run_id: runId,
            description,
            tags: textsOf({ ...tags, [REQUEST_TAG]: key }),
          }),
        (body) => (body as { model_version: WireVersion }).model_version,
        async (key) => {
          const filter = `name = '${name}' AND tags.\`${REQUEST_TAG}\` = '${key}'`
          return (await searchVersions(filter, undefined, 1)).model_versions?.[0]
        },
      )
      if ('refusal' in made) throw orNotFound(made.refusal, `model ${name}`)
      return versionOf(made, {})
    },

    async findVersion(name, version) {
      const query = { name, version: String(version) }
      const body = await find<{ model_version: WireVersion }>(request('GET', 'model-versions/get', query))
      if (body === undefined) return undefined
      const { aliases = [] } = body.model_version
      return versionOf(body.model_version, Object.fromEntries(aliases.map((alias) => [alias, version])))
    },

    async listVersions(name, page) {
      checkModelName('Model', name)
      // A search does not tell aliases: they are the model's.
      const aliases = (await findModel(name))?.aliases ?? {}
      const body = await searchVersions(
        `name = '${name}'${page === undefined ? '' : ` AND version_number < ${Number(page)}`}`,
        undefined,
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
        await write(request('POST', 'model-versions/set-tag', body), `version ${version} of model ${name}`)
      }
    },

    async setAlias(name, alias, version) {
      checkAlias(alias)
      const body = { name, alias, version: String(version) }
      await write(request('POST', 'registered-models/alias', body), `version ${version} of model ${name}`)
    },

    async deleteAlias(name, alias) {
      await find(request('DELETE', 'registered-models/alias', { name, alias }))
    },

    async downloadVersion(name, version, localFolder) {
      const what = `version ${version} of model ${name}`
      const query = { name, version: String(version) }
      const body = await find<{ artifact_uri: string }>(
        request('GET', 'model-versions/get-download-uri', query),
      )
      if (body === undefined) throw notFound(what)
      const [, runId, path] = /^runs:\/+([^/]+)\/(.+)$/.exec(body.artifact_uri) ?? []
      const uri = runId === undefined ? body.artifact_uri : `${await artifactUriOf(runId)}/${path}`
      if (await downloadAll(openArtifactPlace(client, uri), '', localFolder)) return
      throw notFound(`files of ${what} at ${uri}`)
    },
  }
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

const request = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  values: Readonly<Record<string, string | number | undefined>> | object,
): MlflowRequest => ({
  method,
  path: `/api/2.0/mlflow/${path}`,
  ...(method === 'GET' ? { query: values as NonNullable<MlflowRequest['query']> } : { body: values }),
})

const isMissing = ({ errorCode }: MlflowRefusal): boolean => errorCode === 'RESOURCE_DOES_NOT_EXIST'

const checkTags = (tags: Readonly<Record<string, string>>): void => {
  for (const [key, value] of Object.entries(tags)) {
    checkTrackingKey('Tag', key)
    checkTrackingValue('tag', key, value)
  }
}
