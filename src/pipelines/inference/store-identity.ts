import type { StateStore } from '../../ports/state-store.ts'
import type { StatesIdentity } from '../training/states-manifest.ts'

/** What the states of a store belong to. */
export interface StoreIdentity {
  /** `LoadedModel.statesKey` of the models that can go on from them. */
  readonly statesKey: string
  readonly identity: StatesIdentity
  /** First part of the ids of all predictions made on this store. */
  readonly logName: string
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

const NOTE = 'identity'

export const readStoreIdentity = async (store: StateStore): Promise<StoreIdentity | undefined> => {
  const text = await store.readNote(NOTE)
  return text === undefined ? undefined : (JSON.parse(text) as StoreIdentity)
}

export const writeStoreIdentity = async (
  store: StateStore,
  identity: StoreIdentity,
): Promise<StoreIdentity> => {
  await store.writeNote(NOTE, JSON.stringify(identity))
  return identity
}
