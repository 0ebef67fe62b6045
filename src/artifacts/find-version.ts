import { VigiaError } from '../errors.ts'
import type { ModelRegistry, ModelVersion, RegisteredModel } from '../ports/model-registry.ts'

/** All versions of a model, the highest number first; empty when there is no such model. */
export const allVersions = async (
  registry: ModelRegistry,
  model: string,
): Promise<readonly ModelVersion[]> => {
  if ((await registry.findModel(model)) === undefined) return []
  const versions: ModelVersion[] = []
  let page: string | undefined
  do {
    const { items, nextPage } = await registry.listVersions(model, page)
    versions.push(...items)
    page = nextPage
  } while (page !== undefined)
  return versions
}

/**
 * The version that people mean by `3`, `v3`, `@production` or `latest`.
 *
 * @throws REGISTRY_VERSION_UNKNOWN naming what there is
 */
export const findVersion = async (
  registry: ModelRegistry,
  model: string,
  reference: string,
): Promise<ModelVersion> => {
  const registered = await registry.findModel(model)
  const number = registered === undefined ? undefined : await numberOf(registry, registered, reference)
  const found = number === undefined ? undefined : await registry.findVersion(model, number)
  if (found !== undefined) return found
  throw new VigiaError('REGISTRY_VERSION_UNKNOWN', {
    model,
    location: registry.location,
    got: reference.startsWith('@') ? `alias ${reference.slice(1)}` : `version ${reference}`,
    allowed: await tellVersions(registry, registered),
  })
}

const numberOf = async (
  registry: ModelRegistry,
  { name, aliases }: RegisteredModel,
  reference: string,
): Promise<number | undefined> => {
  if (reference === 'latest') return (await registry.listVersions(name)).items[0]?.version
  if (reference.startsWith('@')) return aliases[reference.slice(1)]
  const digits = /^v?([1-9]\d{0,14})$/.exec(reference)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Versions that are named in an error. */
const MOST_NAMED = 10

const tellVersions = async (
  registry: ModelRegistry,
  registered: RegisteredModel | undefined,
): Promise<string> => {
  if (registered === undefined) return 'no version; a finished `vigia run` registers one'
  const { items, nextPage } = await registry.listVersions(registered.name)
  if (items.length === 0) return 'no version; a finished `vigia run` registers one'
  const named = items.slice(0, MOST_NAMED).map(({ version }) => String(version))
  if (items.length > MOST_NAMED || nextPage !== undefined) named.push('...')
  const aliases = Object.entries(registered.aliases).map(([alias, version]) => `@${alias} (${version})`)
  return ['latest', ...named, ...aliases].join(', ')
}
