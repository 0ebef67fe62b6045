import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { VigiaError } from '../errors.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'
import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'

/** Version of the layout of an artifact. */
export const ARTIFACT_SCHEMA = 1

const closed = { additionalProperties: false }
const strings = Type.Array(Type.String())
const numbers = Type.Array(Type.Number())

const RiskLevelsSchema = Type.Object(
  { medium: Type.Number(), high: Type.Number(), critical: Type.Number() },
  closed,
)

const ManifestSchema = Type.Object(
  {
    schema: Type.Literal(ARTIFACT_SCHEMA),
    project: Type.String(),
    /** Names in the order of the vector, and the SHA-256 of that list. */
    features: Type.Object({ names: strings, hash: Type.String() }, closed),
    /** The `features` and `labels` settings that the features were computed with. */
    featureSettings: Type.Object({ features: Type.Unknown(), labels: Type.Unknown() }, closed),
    /** What features and cleaning took from the training rows. */
    fitted: Type.Object({ features: Type.Unknown(), cleaning: Type.Unknown() }, closed),
    threshold: Type.Number({ minimum: 0, maximum: 1 }),
    riskLevels: RiskLevelsSchema,
    /** SHA-256 of each source file, by name. */
    data: Type.Unknown(),
    split: Type.Unknown(),
    seed: Type.Unknown(),
    codeVersion: Type.String(),
    metrics: Type.Unknown(),
  },
  closed,
)

const ModelSchema = Type.Object(
  {
    kind: Type.Literal('logistic_regression'),
    featureNames: strings,
    means: numbers,
    scales: numbers,
    coefficients: numbers,
    intercept: Type.Number(),
    iterations: Type.Integer(),
    converged: Type.Boolean(),
  },
  closed,
)

const ChecksumsSchema = Type.Record(Type.String(), Type.String())

export type RiskLevels = Static<typeof RiskLevelsSchema>

/** Everything that scoring needs, and where it came from. Plain data: loading one runs no code. */
export interface Artifact {
  readonly manifest: Static<typeof ManifestSchema> & {
    readonly fitted: { readonly features: FittedFeatures | unknown }
  }
  readonly model: LogisticRegressionModel
}

/** The parts of an artifact before its feature list is hashed. */
export interface ArtifactParts extends Omit<Artifact['manifest'], 'schema' | 'features'> {
  readonly model: LogisticRegressionModel
}

/** Files of an artifact by name. */
export type ArtifactFiles = ReadonlyMap<string, Uint8Array>

/** Names of the files of an artifact: the checksums cover the others. */
export const ARTIFACT_FILES = ['manifest.json', 'model.json', 'checksums.json'] as const

/** The artifact as files: canonical JSON, so equal parts give equal bytes. */
export const encodeArtifact = ({ model, ...parts }: ArtifactParts): ArtifactFiles => {
  const manifest = {
    ...parts,
    schema: ARTIFACT_SCHEMA,
    features: { names: model.featureNames, hash: featureHash(model.featureNames) },
  }
  const contents: [string, string][] = [
    ['manifest.json', canonicalJson(manifest)],
    ['model.json', canonicalJson(model)],
  ]
  const checksums = Object.fromEntries(contents.map(([name, text]) => [name, sha256(text)]))
  return new Map(
    [...contents, ['checksums.json', canonicalJson(checksums)] as const].map(([name, text]) => [
      name,
      encoder.encode(text),
    ]),
  )
}

/**
 * The artifact in `files`, after every checksum, the schema of each file and the feature list were verified; `where` names it in errors.
 *
 * @throws MODEL_ARTIFACT_REFUSED saying which file and why: missing, altered, foreign, of another version
 */
export const decodeArtifact = (files: ArtifactFiles, where: string): Artifact => {
  const refuse = (file: string, reason: string) =>
    new VigiaError('MODEL_ARTIFACT_REFUSED', { where, file, reason })
  const parsed = (name: string): unknown => {
    const bytes = files.get(name)
    if (bytes === undefined) throw refuse(name, 'it is missing')
    try {
      return JSON.parse(decoder.decode(bytes))
    } catch {
      throw refuse(name, 'it is no JSON')
    }
  }
  const checked = <T>(name: string, validate: Validate<T>): T => {
    const value = parsed(name)
    if (validate(value)) return value
    const [problem] = validate.errors ?? []
    throw refuse(name, `${problem?.instancePath || 'it'} ${problem?.message ?? 'has another schema'}`)
  }
  const checksums = checked('checksums.json', isChecksums)
  for (const name of ['manifest.json', 'model.json']) {
    const bytes = files.get(name)
    if (bytes === undefined) throw refuse(name, 'it is missing')
    if (checksums[name] !== sha256(bytes)) throw refuse(name, 'its SHA-256 is not the one in checksums.json')
  }
  const manifest = checked('manifest.json', isManifest)
  const model = checked('model.json', isModel)
  const width = model.featureNames.length
  const isWhole = [model.means, model.scales, model.coefficients].every(({ length }) => length === width)
  if (!isWhole) throw refuse('model.json', `it has not one weight for each of ${width} features`)
  if (manifest.features.hash !== featureHash(model.featureNames)) {
    throw refuse('model.json', 'its features are not those of manifest.json')
  }
  return { manifest, model }
}

const featureHash = (names: readonly string[]): string => sha256(canonicalJson(names))

interface Validate<T> {
  (value: unknown): value is T
  errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null
}

const ajv = new Ajv({ strict: false })
const isChecksums = ajv.compile(ChecksumsSchema) as Validate<Record<string, string>>
const isManifest = ajv.compile(ManifestSchema) as Validate<Artifact['manifest']>
const isModel = ajv.compile(ModelSchema) as Validate<LogisticRegressionModel>
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
