import type { StatesIdentity } from '../../artifacts/states-manifest.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import type { LoadedModel } from '../loaded-model.ts'

/**
 * What is kept beside the log of each model that decided: enough to read its records and to compute their
 * features again.
 */
export interface ModelDocument {
  readonly key: string
  readonly name: string
  readonly version: string
  readonly sha256: string
  /** All computed features, in the order of a record's vector. */
  readonly computed: readonly string[]
  readonly identity: StatesIdentity
  readonly statesKey: string
  /** Absent in documents of versions that did not know it. */
  readonly layoutKey?: string
  /** As in the manifest of the artifact. */
  readonly featureSettings: unknown
  readonly fitted: unknown
  /** Tables that it looks transactions up in; absent where there are none. */
  readonly tables?: readonly TableMapping[]
}

/** Name of the document that says which states a log began with. */
export const ORIGIN_DOCUMENT = 'origin'

export const documentName = (key: string): string => `model-${key}`

/** The document of a model. */
export const documentOf = ({
  key,
  description,
  computed,
  identity,
  statesKey,
  layoutKey,
  artifact,
}: LoadedModel): ModelDocument => ({
  key,
  name: description.name,
  version: description.version,
  sha256: description.sha256,
  computed,
  identity,
  statesKey,
  layoutKey,
  featureSettings: artifact.manifest.featureSettings,
  fitted: artifact.manifest.fitted,
  ...(artifact.manifest.source?.tables !== undefined && { tables: artifact.manifest.source.tables }),
})

export const writeModelDocument = (log: PredictionLog, model: LoadedModel): Promise<void> =>
  log.writeDocument(documentName(model.key), JSON.stringify(documentOf(model)))
