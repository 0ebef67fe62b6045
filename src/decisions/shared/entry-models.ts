import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { OutboxEntry, SharedStateStore } from '../../ports/state-store.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { decodeLogEntry } from '../log/log-record.ts'
import { documentName, documentOf } from '../log/model-document.ts'

/** Says in a shared store what a model is, for the logs of all processes that take its decisions. */
export const shareModel = (store: Pick<SharedStateStore, 'writeNote'>, model: LoadedModel): Promise<void> =>
  store.writeNote(documentName(model.key), JSON.stringify(documentOf(model)))

/**
 * Writes beside a log what the models of entries are that will stand in it: other processes may have decided
 * with models that this one has never had in service, as while a new version is rolled out.
 *
 * @returns does it for these entries, before they are appended
 */
export const createEntryModels = (
  store: Pick<SharedStateStore, 'readNote'>,
  log: Pick<PredictionLog, 'readDocument' | 'writeDocument'>,
): ((entries: readonly OutboxEntry[]) => Promise<void>) => {
  const known = new Set<string>()
  const bring = async (key: string): Promise<void> => {
    const name = documentName(key)
    if ((await log.readDocument(name)) === undefined) {
      const text = await store.readNote(name)
      // Decided by a version that did not share it: readers will say so.
      if (text !== undefined) await log.writeDocument(name, text)
    }
    known.add(key)
  }
  return async (entries) => {
    for (const { bytes } of entries) for (const key of modelsOf(bytes)) if (!known.has(key)) await bring(key)
  }
}

const modelsOf = (bytes: Uint8Array): readonly string[] => {
  const entry = decodeLogEntry(bytes)
  if (entry?.kind !== 'decision') return []
  const { model, shadow } = entry.decision
  return shadow === undefined ? [model] : [model, shadow.model]
}
