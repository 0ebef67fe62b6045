import { Type } from 'typebox'
import { VigiaError } from '../errors.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'
import { type SchemaCheck, schemaCheck } from '../foundation/json-schema.ts'
import type { Model } from '../learning/model.ts'
import {
  ARTIFACT_SCHEMA,
  type ArtifactManifest,
  ManifestSchema,
  whyCalibrationUnsound,
} from './artifact-manifest.ts'
import {
  MAX_MODEL_BYTES,
  MAX_MODEL_NODES,
  MODEL_SCHEMAS,
  nodesOf,
  whyModelUnsound,
} from './artifact-model.ts'
import type { OnnxFiles } from './onnx/onnx-contents.ts'
import { type ReferenceProfile, ReferenceProfileSchema, whyProfileUnsound } from './reference-profile.ts'

export { ARTIFACT_SCHEMA, type ArtifactManifest, type RiskLevels } from './artifact-manifest.ts'

/** Everything that scoring needs, and where it came from. Plain data: loading one runs no code. */
export interface Artifact {
  readonly manifest: ArtifactManifest
  readonly model: Model
  readonly reference: ReferenceProfile
  /**
   * What each of the latest days of its data was like (`encodeDays` of `src/drift/`); undefined in
   * artifacts of before there was any, and of imported models.
   */
  readonly days?: Uint8Array
}

/** What an artifact is made from. */
export interface ArtifactContents extends OnnxFiles {
  readonly manifest: Omit<ArtifactManifest, 'schema' | 'features' | 'onnx' | 'reference'>
  readonly model: Model
  /** Names of the features whose values are codes without an order. */
  readonly categorical: readonly string[]
  readonly reference: ReferenceProfile
  readonly days?: Uint8Array
}

/** Files of an artifact by name. */
export type ArtifactFiles = ReadonlyMap<string, Uint8Array>

/** Files that every artifact has, and the checksums cover. */
const COVERED_FILES = ['manifest.json', 'model.json', 'model.onnx', 'reference.json'] as const

const IN_FLOATS = 'model-float32.onnx'
const DAYS = 'days.bin'

/** Files that an artifact has where its manifest says so; then the checksums cover them too. */
const POSSIBLE_FILES = [IN_FLOATS, DAYS] as const

/** Names of the files of an artifact: all of them belong to it, and no other. */
export const ARTIFACT_FILES = [...COVERED_FILES, ...POSSIBLE_FILES, 'checksums.json'] as const

/** Most bytes of a file; the largest by far are those of a model with as many nodes as are allowed. */
const MAX_BYTES: Readonly<Record<(typeof ARTIFACT_FILES)[number], number>> = {
  'manifest.json': 100_000_000,
  'model.json': MAX_MODEL_BYTES,
  'model.onnx': 2_000_000_000,
  'model-float32.onnx': 2_000_000_000,
  'reference.json': 100_000_000,
  'days.bin': 1_000_000_000,
  'checksums.json': 10_000,
}

/**
 * The artifact as files: canonical JSON, so equal contents give equal bytes.
 *
 * @throws MODEL_TOO_LARGE when the trees have more than 4,000,000 nodes; CANONICAL_JSON_UNSUPPORTED for
 * numbers that are not finite
 */
export const encodeArtifact = ({
  manifest,
  model,
  categorical,
  onnx,
  onnxInFloats,
  reference,
  days,
}: ArtifactContents): ArtifactFiles => {
  const nodes = model.kind === 'logistic_regression' ? 0 : nodesOf(model)
  if (nodes > MAX_MODEL_NODES) throw new VigiaError('MODEL_TOO_LARGE', { nodes, allowed: MAX_MODEL_NODES })
  const names = model.featureNames
  const complete: Readonly<Record<string, unknown>> = {
    ...manifest,
    schema: ARTIFACT_SCHEMA,
    features: { names, categorical, hash: featureHash(names) },
    onnx: {
      file: 'model.onnx',
      ...(onnxInFloats !== undefined && { float32: { file: IN_FLOATS, ...onnxInFloats.comparison } }),
    },
    reference: { file: 'reference.json', ...(days !== undefined && { days: { file: DAYS } }) },
  }
  const files = new Map<string, Uint8Array>([
    ['manifest.json', encoder.encode(canonicalJson(complete))],
    ['model.json', encoder.encode(canonicalJson(model))],
    ['model.onnx', onnx],
    ...(onnxInFloats === undefined ? [] : ([[IN_FLOATS, onnxInFloats.bytes]] as const)),
    ['reference.json', encoder.encode(canonicalJson(reference))],
    ...(days === undefined ? [] : ([[DAYS, days]] as const)),
  ])
  const checksums = Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)]))
  return files.set('checksums.json', encoder.encode(canonicalJson(checksums)))
}

/**
 * The artifact in `files`, after everything in it was verified; `where` names it in errors.
 *
 * 1. All files are there, none is too large, and no other is named.
 * 2. Each has the SHA-256 that `checksums.json` names.
 * 3. Each has its schema: no field is missing, none is unknown.
 * 4. The model is sound (`whyModelUnsound`), so are calibration and reference, and all of them have the same
 *    features.
 *
 * Who can write all files can of course make a sound artifact of other numbers: the checksums are no
 * signature.
 *
 * @throws MODEL_ARTIFACT_REFUSED saying which file and why: missing, altered, foreign, of another version,
 * unsound
 */
export const decodeArtifact = (files: ArtifactFiles, where: string): Artifact => {
  const refuse = (file: string, reason: string) =>
    new VigiaError('MODEL_ARTIFACT_REFUSED', { where, file, reason })
  const bytesOf = (name: (typeof ARTIFACT_FILES)[number]): Uint8Array => {
    const bytes = files.get(name)
    if (bytes === undefined) throw refuse(name, 'it is missing')
    if (bytes.length > MAX_BYTES[name])
      throw refuse(name, `it has ${bytes.length} bytes; at most ${MAX_BYTES[name]}`)
    return bytes
  }
  const parsed = (name: (typeof ARTIFACT_FILES)[number]): unknown => {
    const bytes = bytesOf(name)
    try {
      return JSON.parse(decoder.decode(bytes))
    } catch {
      throw refuse(name, 'it is no JSON')
    }
  }
  const checked = <T>(name: (typeof ARTIFACT_FILES)[number], value: unknown, validate: SchemaCheck<T>): T => {
    if (validate(value)) return value
    throw refuse(name, problemOf(validate))
  }
  const checksums = checked('checksums.json', parsed('checksums.json'), isChecksums)
  const possible = POSSIBLE_FILES.filter((name) => files.has(name) || checksums[name] !== undefined)
  for (const name of [...COVERED_FILES, ...possible]) {
    if (checksums[name] !== sha256(bytesOf(name)))
      throw refuse(name, 'its SHA-256 is not the one in checksums.json')
  }
  const manifest = checked('manifest.json', parsed('manifest.json'), isManifest)
  for (const [name, at, said] of [
    [IN_FLOATS, '/onnx/float32', manifest.onnx.float32],
    [DAYS, '/reference/days', manifest.reference.days],
  ] as const) {
    const isThere = possible.includes(name)
    if (isThere !== (said !== undefined))
      throw refuse('manifest.json', `${at} is ${isThere ? 'missing' : 'there'}, unlike ${name}`)
  }
  const json = parsed('model.json')
  const model = checked('model.json', json, isTreesJson(json) ? isTrees : isLinear)
  const unsound = whyModelUnsound(model)
  if (unsound !== undefined) throw refuse('model.json', unsound)
  const { names, categorical, hash } = manifest.features
  const ofModel = featureHash(model.featureNames)
  if (hash !== ofModel || featureHash(names) !== ofModel)
    throw refuse('model.json', 'its features are not those of manifest.json')
  const stranger = categorical.find((name) => !names.includes(name))
  if (stranger !== undefined)
    throw refuse('manifest.json', `/features/categorical names ${stranger}, which is no feature`)
  const crooked = whyCalibrationUnsound(manifest.calibration)
  if (crooked !== undefined) throw refuse('manifest.json', crooked)
  const reference = checked('reference.json', parsed('reference.json'), isReference)
  const odd = whyProfileUnsound(reference, names)
  if (odd !== undefined) throw refuse('reference.json', odd)
  const days = files.get(DAYS)
  return { manifest, model, reference, ...(days !== undefined && { days }) }
}

/** SHA-256 of a list of feature names: equal lists in equal order, equal hashes. */
export const featureHash = (names: readonly string[]): string => sha256(canonicalJson(names))

const problemOf = (validate: SchemaCheck<unknown>): string => {
  const [problem] = validate.errors ?? []
  const unknown = problem?.params?.['additionalProperty']
  const what = problem?.message ?? 'has another schema'
  return `${problem?.instancePath || 'it'} ${what}${unknown === undefined ? '' : `: ${String(unknown)}`}`
}

const isTreesJson = (json: unknown): boolean => typeof json === 'object' && json !== null && 'trees' in json

const HASH = Type.String({ pattern: '^[0-9a-f]{64}$' })
const isChecksums = schemaCheck<Record<string, string>>(
  Type.Object(
    {
      ...Object.fromEntries(COVERED_FILES.map((name) => [name, HASH])),
      ...Object.fromEntries(POSSIBLE_FILES.map((name) => [name, Type.Optional(HASH)])),
    },
    { additionalProperties: false },
  ),
)
const isManifest = schemaCheck<ArtifactManifest>(ManifestSchema)
const isLinear = schemaCheck<Model>(MODEL_SCHEMAS.linear)
const isTrees = schemaCheck<Model>(MODEL_SCHEMAS.trees)
const isReference = schemaCheck<ReferenceProfile>(ReferenceProfileSchema)
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
