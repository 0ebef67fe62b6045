import type { LoadedModel } from '../decisions/loaded-model.ts'
import { documentName, documentOf, type ModelDocument } from '../decisions/log/model-document.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import type { StoredStates } from './layout-states.ts'

/** Note of a store: the document of the model that its states were made for. */
const FOUNDER_NOTE = 'founder'

/**
 * Says in a store what the model is that its states were made for. Whoever makes them writes nothing into the
 * log; a server that finds them may be served with other models alone.
 */
export const noteFounder = (store: OwnedStateStore, model: LoadedModel): Promise<void> =>
  store.writeNote(FOUNDER_NOTE, JSON.stringify(documentOf(model)))

/** What a store says of the model that its states were made for, if anything. */
export const readFounder = async (store: OwnedStateStore): Promise<ModelDocument | undefined> => {
  const text = await store.readNote(FOUNDER_NOTE)
  return text === undefined ? undefined : (JSON.parse(text) as ModelDocument)
}

/** Says beside the log what a store says of its model, where the log does not know it. */
export const tellLog = async (
  log: Pick<PredictionLog, 'readDocument' | 'writeDocument'>,
  { store }: Pick<StoredStates, 'store'>,
): Promise<void> => {
  const founder = await readFounder(store)
  if (founder === undefined) return
  const name = documentName(founder.key)
  if ((await log.readDocument(name)) === undefined) await log.writeDocument(name, JSON.stringify(founder))
}
