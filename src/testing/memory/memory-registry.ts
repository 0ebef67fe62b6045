import type { Page } from '../../ports/experiment-tracker.ts'
import type { ModelRegistry, ModelVersion, RegisteredModel } from '../../ports/model-registry.ts'
import { checkAlias, checkModelName, checkTags } from '../../ports/tracking-limits.ts'
import { writeFiles } from './artifact-files.ts'
import type { ModelRecord, TrackedData } from './tracked-data.ts'

/** Models in the memory of this process, whose files are those of the tracker beside it. */
export const createMemoryRegistry = (data: TrackedData, pageSize: number): ModelRegistry => ({
  location: data.location,
  ...modelCalls(data, pageSize),
  ...versionCalls(data, pageSize),
  ...aliasCalls(data),
})

/** Models. */
const modelCalls = (
  data: TrackedData,
  pageSize: number,
): Pick<ModelRegistry, 'ensureModel' | 'findModel' | 'listModels'> => ({
  async ensureModel(name, description) {
    checkModelName('Model', name)
    const record = data.models.get(name) ?? {
      model: { name, description, tags: {} },
      aliases: new Map(),
      versions: [],
    }
    data.models.set(name, record)
    return shown(record)
  },

  async findModel(name) {
    const found = data.models.get(name)
    return found && shown(found)
  },

  async listModels(page) {
    return pageOf(pageSize, [...data.models.values()].map(shown), page)
  },
})

/** Their versions. */
const versionCalls = (
  data: TrackedData,
  pageSize: number,
): Pick<
  ModelRegistry,
  'createVersion' | 'findVersion' | 'listVersions' | 'tagVersion' | 'downloadVersion'
> => ({
  async createVersion(wanted) {
    const { name, runId, artifactPath, description = '', tags = {} } = wanted
    checkTags(tags)
    const record = data.modelOf(name)
    const { run } = data.runOf(runId)
    const version = {
      name,
      version: record.versions.length + 1,
      source: `${run.name}/${artifactPath}`,
      runId,
      createdTimeMs: run.startTimeMs,
      description,
      tags,
    }
    record.versions.push(version)
    return versionOf(record, version)
  },

  async findVersion(name, version) {
    const record = data.models.get(name)
    const found = record?.versions[version - 1]
    return record && found && versionOf(record, found)
  },

  async listVersions(name, page) {
    const record = data.modelOf(name)
    return pageOf(
      pageSize,
      record.versions.toReversed().map((version) => versionOf(record, version)),
      page,
    )
  },

  async tagVersion(name, version, tags) {
    checkTags(tags)
    const record = data.modelOf(name)
    const found = versionIn(data, record, version)
    record.versions[version - 1] = { ...found, tags: { ...found.tags, ...tags } }
  },

  async downloadVersion(name, version, localFolder) {
    const { runId = '', source } = versionIn(data, data.modelOf(name), version)
    const { run, artifacts } = data.runOf(runId)
    await writeFiles(artifacts, source.slice(run.name.length + 1), localFolder)
  },
})

/** Names of versions. */
const aliasCalls = (data: TrackedData): Pick<ModelRegistry, 'setAlias' | 'deleteAlias'> => ({
  async setAlias(name, alias, version) {
    checkAlias(alias)
    const record = data.modelOf(name)
    versionIn(data, record, version)
    record.aliases.set(alias, version)
  },

  async deleteAlias(name, alias) {
    data.modelOf(name).aliases.delete(alias)
  },
})

const versionIn = (
  data: TrackedData,
  { model, versions }: ModelRecord,
  version: number,
): ModelRecord['versions'][number] =>
  versions[version - 1] ?? data.notFound(`version ${version} of model ${model.name}`)

const pageOf = <Item>(pageSize: number, items: readonly Item[], page = '0'): Page<Item> => {
  const end = Number(page) + pageSize
  return { items: items.slice(Number(page), end), ...(end < items.length && { nextPage: String(end) }) }
}

const shown = ({ model, aliases }: ModelRecord): RegisteredModel => ({
  ...model,
  aliases: Object.fromEntries(aliases),
})

const versionOf = ({ aliases }: ModelRecord, version: ModelRecord['versions'][number]): ModelVersion => ({
  ...version,
  aliases: [...aliases].flatMap(([alias, number]) => (number === version.version ? [alias] : [])).sort(),
})
