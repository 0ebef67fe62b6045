import { copyFile, link, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { writeJson } from '../disk/json-file.ts'
import { sha256OfFile } from '../disk/sha256-of-file.ts'
import { VigiaError } from '../errors.ts'
import { planFeatures } from '../features/feature-plan.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'
import { schemaCheck } from '../foundation/json-schema.ts'
import { featureHash } from '../model/artifact.ts'
import { ENTITY_KINDS, type EntityKind } from '../transaction/entity-kind.ts'
import { SNAPSHOT_FILES, snapshotFiles } from './state-snapshot.ts'

const STATES_FILE = 'states.json'

const closed = { additionalProperties: false }

const IdentitySchema = {
  /** SHA-256 of the layouts of the states, by entity kind: equal ones are interchangeable. */
  layouts: Type.String(),
  /** SHA-256 of the names of all computed features in order, those among them that no model uses. */
  features: Type.String(),
  /** SHA-256 of the vocabularies and bands that the features were fitted with. */
  fitted: Type.String(),
}

const StatesManifestSchema = Type.Object(
  {
    schema: Type.Literal(1),
    ...IdentitySchema,
    /** Time of the latest transaction in the states, epoch milliseconds; null without one. */
    lastEventTimeMs: Type.Union([Type.Number(), Type.Null()]),
    /** SHA-256 of each file by name. */
    files: Type.Object(Object.fromEntries(SNAPSHOT_FILES.map((name) => [name, Type.String()])), {
      additionalProperties: Type.String(),
    }),
  },
  closed,
)

/** `states.json`: what the states of all entities beside it belong to. */
export type StatesManifest = Static<typeof StatesManifestSchema>

/** What states must agree on with the model that goes on from them. */
export type StatesIdentity = Pick<StatesManifest, 'layouts' | 'features' | 'fitted'>

/** What states that were made with these settings say of themselves. */
export const statesIdentity = (settings: FeatureSettings, fitted: FittedFeatures): StatesIdentity => {
  const { features, layouts } = planFeatures(settings)
  const schemas = Object.fromEntries(
    Object.entries(layouts).map(([kind, layout]) => [kind, layout!.schemaHash]),
  )
  return {
    layouts: sha256(canonicalJson(schemas)),
    features: featureHash(features.map(({ feature }) => feature.name)),
    fitted: sha256(canonicalJson(fitted)),
  }
}

/**
 * Puts the states of folder `from` into folder `to`, with their manifest. They are the same files where the
 * file system can (hard links), for they may be large and nobody writes into a finished folder.
 */
export const publishStates = async (
  from: string,
  to: string,
  identity: StatesIdentity,
  lastEventTimeMs: number | null,
  kinds: readonly EntityKind[] = ENTITY_KINDS,
): Promise<void> => {
  const files: Record<string, string> = {}
  for (const name of snapshotFiles(kinds)) {
    await link(join(from, name), join(to, name)).catch(() => copyFile(join(from, name), join(to, name)))
    files[name] = await sha256OfFile(join(to, name))
  }
  const manifest = { schema: 1, ...identity, lastEventTimeMs, files } satisfies StatesManifest
  await writeJson(join(to, STATES_FILE), manifest)
}

/**
 * The manifest of the states in `folder`, after every file was found to be the one it names, and the states
 * to be those that a model of `identity` can go on from; undefined when the folder has none.
 *
 * @throws MODEL_STATES_REFUSED saying which file and why
 */
export const readStates = async (
  folder: string,
  identity: StatesIdentity,
): Promise<StatesManifest | undefined> => {
  const refuse = (file: string, reason: string) =>
    new VigiaError('MODEL_STATES_REFUSED', { where: folder, file, reason })
  const text = await readFile(join(folder, STATES_FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const manifest = parsed(text)
  if (!isStatesManifest(manifest)) {
    const [problem] = isStatesManifest.errors ?? []
    throw refuse(STATES_FILE, `${problem?.instancePath || 'it'} ${problem?.message ?? 'is no JSON'}`)
  }
  for (const [name, what] of Object.entries(DIFFERENCES)) {
    if (manifest[name as keyof StatesIdentity] !== identity[name as keyof StatesIdentity])
      throw refuse(STATES_FILE, `they were made with other ${what} than the model`)
  }
  for (const name of Object.keys(manifest.files)) {
    const hash = await sha256OfFile(join(folder, name)).catch(() => undefined)
    if (hash === undefined) throw refuse(name, 'it is missing')
    if (hash !== manifest.files[name]) throw refuse(name, `its SHA-256 is not the one in ${STATES_FILE}`)
  }
  return manifest
}

const DIFFERENCES: Readonly<Record<keyof StatesIdentity, string>> = {
  features: 'features',
  layouts: 'windows or bounds',
  fitted: 'vocabularies or amount bands',
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isStatesManifest = schemaCheck<StatesManifest>(StatesManifestSchema)
