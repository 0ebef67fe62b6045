import { VigiaError } from '../errors.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { ServedModelName } from './decided.ts'
import { documentName, type ModelDocument } from './log/model-document.ts'

/** What models the records of a log name. */
export interface ModelDocuments {
  /**
   * The model of a log record's key. @throws SERVING_LOG_DAMAGED when nothing beside the log says what it was
   */
  modelOf(key: string): Promise<ModelDocument>
  /** Its name. @throws as `modelOf` does */
  nameOf(key: string): Promise<ServedModelName>
}

/** Each document is read once. */
export const createModelDocuments = (log: Pick<PredictionLog, 'readDocument'>): ModelDocuments => {
  const known = new Map<string, ModelDocument>()
  const modelOf = async (key: string): Promise<ModelDocument> => {
    const document = known.get(key) ?? (await readModelDocument(log, key))
    known.set(key, document)
    return document
  }
  return {
    modelOf,
    nameOf: async (key) => {
      const { name, version } = await modelOf(key)
      return { name, version }
    },
  }
}

const readModelDocument = async (
  log: Pick<PredictionLog, 'readDocument'>,
  key: string,
): Promise<ModelDocument> => {
  const segment = documentName(key)
  const text = await log.readDocument(segment)
  if (text !== undefined) return JSON.parse(text) as ModelDocument
  throw new VigiaError('SERVING_LOG_DAMAGED', {
    segment,
    offset: 0,
    reason: `nothing says what model ${key} was; a start with it, as model.shadow for instance, writes it down`,
  })
}
