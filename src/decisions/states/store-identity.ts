import { dirname } from 'node:path'
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
/** `begun` from the beginning of filling to its end. */
const LOADING = 'loading'
/** Says who has begun, and with what. */
const LOADING_WHAT = 'loading-what'

/** What a store is being filled with, so that whoever finds it half filled knows what to do again. */
export interface Filling {
  /** `start`: a server, whose store was never used; `load`, `restore`: that action of `vigia state`. */
  readonly by: 'start' | 'load' | 'restore'
  /** Folder of the states; absent where logs say it. */
  readonly from?: string
}

/**
 * Undefined for a store that has never been used. @throws SERVING_STATES_UNFINISHED when filling it was
 * interrupted
 */
export const readStoreIdentity = async (
  store: Pick<StateStore, 'readNote'>,
): Promise<StoreIdentity | undefined> => {
  if ((await store.readNote(LOADING)) === 'begun') throw unfinished(await readFilling(store))
  const text = await store.readNote(IDENTITY_NOTE)
  return text === undefined ? undefined : (JSON.parse(text) as StoreIdentity)
}

/** The same, and undefined for a store that is not whole: whoever fills it begins again. */
export const readWholeIdentity = (store: Pick<StateStore, 'readNote'>): Promise<StoreIdentity | undefined> =>
  readStoreIdentity(store).catch((error: unknown) => {
    if (isUnfinished(error)) return undefined
    throw error
  })

/** The same, and undefined for one that a server had begun to fill, or `vigia state load`, as `by` says. */
export const identityToFill = (
  store: Pick<StateStore, 'readNote'>,
  ...by: readonly Filling['by'][]
): Promise<StoreIdentity | undefined> =>
  readStoreIdentity(store).catch((error: unknown) => {
    if (isUnfinishedBy(error, ...by)) return undefined
    throw error
  })

export const writeStoreIdentity = async (
  store: StateStore,
  identity: StoreIdentity,
): Promise<StoreIdentity> => {
  await store.writeNote(IDENTITY_NOTE, JSON.stringify(identity))
  return identity
}

/** What the store was filled with last; undefined: an earlier version did it, or nobody did. */
export const readFilling = async (store: Pick<StateStore, 'readNote'>): Promise<Filling | undefined> => {
  const text = await store.readNote(LOADING_WHAT)
  return text === undefined ? undefined : (JSON.parse(text) as Filling)
}

/** Whether filling it was interrupted, and that may be done again without asking anybody. */
export const isUnfinishedBy = (error: unknown, ...by: readonly Filling['by'][]): boolean =>
  isUnfinished(error) && by.some((one) => error.details['by'] === one)

const isUnfinished = (error: unknown): error is VigiaError =>
  error instanceof VigiaError && error.code === 'SERVING_STATES_UNFINISHED'

/** What to do with a store that is half filled. @param filling undefined: nobody says with what */
export const unfinished = (filling: Filling | undefined): VigiaError => {
  const { by, from = '' } = filling ?? {}
  const told = {
    start: {
      what: `a server that started had begun with those in ${from}`,
      next: 'start one with the model of that run, which begins anew by itself',
    },
    load: {
      what: `\`vigia state load\` had begun with those in ${from}`,
      next: `\`vigia state load --from ${dirname(from)}\``,
    },
    restore: {
      what: '`vigia state restore` had begun',
      next: '`vigia state restore`, with each log by --log where servers share the store',
    },
    unknown: {
      what: 'it does not say by what (a version before 2026-11-30 had begun)',
      next: '`vigia state restore` if it was that, or anything was ever decided on this store, else `vigia state load --force`',
    },
  }[by ?? 'unknown']
  const details = { ...told, by: by ?? 'unknown' }
  return new VigiaError('SERVING_STATES_UNFINISHED', details)
}

/** Notes by which a store says that it is being filled, and with what. */
export const notesOfBegun = (filling: Filling): Readonly<Record<string, string>> => ({
  [LOADING_WHAT]: JSON.stringify(filling),
  [LOADING]: 'begun',
})

/** Notes by which it says that it is whole, and whose states it has. */
export const notesOfEnded = (identity: StoreIdentity): Readonly<Record<string, string>> => ({
  [IDENTITY_NOTE]: JSON.stringify(identity),
  [LOADING]: 'finished',
})

/** Notes in their order, one after the other: in a store of one process. */
export const writeNotes = async (
  store: Pick<StateStore, 'writeNote'>,
  notes: Readonly<Record<string, string>>,
): Promise<void> => {
  for (const [name, text] of Object.entries(notes)) await store.writeNote(name, text)
}
