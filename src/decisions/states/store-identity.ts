import type { StatesIdentity } from '../../artifacts/states-manifest.ts'
import { VigiaError } from '../../errors.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { NamedHistory } from '../prediction-names.ts'

/** What the states of a store belong to. */
export interface StoreIdentity extends NamedHistory {
  /** `LoadedModel.statesKey` of the model that they were made for. */
  readonly statesKey: string
  /**
   * `LoadedModel.layoutKey` of the models that can go on from them; absent in stores of versions that did
   * not know it, until a server opens them.
   */
  readonly layoutKey?: string
  /** Key of the model that cleans for these states what others decide on; absent likewise. */
  readonly founder?: string
  /** They began as a branch of the states that decided then, after this record, inclusive. */
  readonly branchedAfter?: number
  readonly identity: StatesIdentity
  readonly createdAtMs: number
  /** Where the states came from before the first decision; absent when from nowhere. */
  readonly origin?: StoreOrigin | undefined
}

export interface StoreOrigin {
  /** Folder of the snapshot. */
  readonly folder: string
  /** Time of the latest transaction in it, epoch milliseconds. */
  readonly lastEventTimeMs: number | null
  /** SHA-256 of each of its files by name. */
  readonly files: Readonly<Record<string, string>>
}

/** Whether a model can go on from the states of a store. */
export const goesOnFrom = (
  { statesKey, layoutKey }: Pick<StoreIdentity, 'statesKey' | 'layoutKey'>,
  model: Pick<StoreIdentity, 'statesKey'> & { readonly layoutKey: string },
): boolean => (layoutKey === undefined ? statesKey === model.statesKey : layoutKey === model.layoutKey)

/** Name of the note by which a store says whose states it has. */
export const IDENTITY_NOTE = 'identity'
/** There from the beginning of loading to its end. */
const LOADING = 'loading'

/**
 * Undefined for a store that has never been used. @throws SERVING_STATES_UNFINISHED when loading it was
 * interrupted
 */
export const readStoreIdentity = async (
  store: Pick<StateStore, 'readNote'>,
): Promise<StoreIdentity | undefined> => {
  if ((await store.readNote(LOADING)) === 'begun') throw new VigiaError('SERVING_STATES_UNFINISHED', {})
  const text = await store.readNote(IDENTITY_NOTE)
  return text === undefined ? undefined : (JSON.parse(text) as StoreIdentity)
}

/** The same, and undefined for a store that is not whole: whoever fills it begins again. */
export const readWholeIdentity = (store: Pick<StateStore, 'readNote'>): Promise<StoreIdentity | undefined> =>
  readStoreIdentity(store).catch((error: unknown) => {
    if (error instanceof VigiaError && error.code === 'SERVING_STATES_UNFINISHED') return undefined
    throw error
  })

export const writeStoreIdentity = async (
  store: StateStore,
  identity: StoreIdentity,
): Promise<StoreIdentity> => {
  await store.writeNote(IDENTITY_NOTE, JSON.stringify(identity))
  return identity
}

export const startLoading = (store: StateStore): Promise<void> => store.writeNote(LOADING, 'begun')
export const finishLoading = (store: StateStore): Promise<void> => store.writeNote(LOADING, 'finished')
