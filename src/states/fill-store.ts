import { setTimeout as pause } from 'node:timers/promises'
import {
  type Filling,
  isUnfinishedBy,
  notesOfBegun,
  notesOfEnded,
  readStoreIdentity,
  type StoreIdentity,
  unfinished,
  writeNotes,
} from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { OwnedStateStore, SharedStateStore } from '../ports/state-store.ts'
import type { ReplacedFilling } from '../ports/store-filling.ts'

/*
 * A store that is being filled says so by notes from before its first state to after its last, so that
 * nobody decides on half of it. One that is shared is filled by one process at a time, whose writes all carry
 * its token, and which gives a sign of life every second: another one that starts meanwhile waits for the
 * end, and takes the place of one that has gone.
 */

/** Note that changes for as long as somebody fills the store: its token, and a number. */
const LIFE = 'loading-life'
/** Between two signs of life, in milliseconds. */
const SIGN_MS = 1000
/** Without a sign for so long, whoever filled the store has gone; in milliseconds. */
const SILENT_MS = 10_000
/** Between two looks at a store that somebody else fills, in milliseconds. */
const LOOK_MS = 250

/** A store that is filled. */
export type FillableStore =
  | { readonly kind: 'owned'; readonly store: OwnedStateStore }
  | { readonly kind: 'shared'; readonly store: SharedStateStore }

export interface FillStoreOptions {
  readonly filling: Filling
  /** What a shared store must be; left out: whatever it is. */
  readonly instead?: ReplacedFilling | undefined
  readonly world: Pick<World, 'newId'>
}

/** What a store has become. */
export interface Filled<T> {
  readonly outcome: T
  readonly identity: StoreIdentity
  /** Numbers that are given on go on after this one; 0 for none. */
  readonly lastSequence: number
  /** Whether a mark of a loss that was made meanwhile gives way. */
  readonly replaces: boolean
}

/**
 * Empties a store and fills it. When `fill` throws, or the process ends, nobody serves from the store, and
 * whoever comes knows what to do.
 *
 * @returns undefined: it is not as `instead` says
 * @throws SERVING_FILLER_REPLACED when this process stood still, and another one took its place
 */
export const fillStore = async <T>(
  states: FillableStore,
  { filling, instead, world }: FillStoreOptions,
  fill: () => Promise<Filled<T>>,
): Promise<T | undefined> => {
  const { kind, store } = states
  if (kind === 'owned') {
    await store.clear()
    await writeNotes(store, notesOfBegun(filling))
    const { outcome, identity } = await fill()
    await writeNotes(store, notesOfEnded(identity))
    return outcome
  }
  const token = world.newId()
  const notes = { ...notesOfBegun(filling), [LIFE]: `${token} 0` }
  if (!(await store.beginFilling({ token, notes, instead }))) return undefined
  let signs = 0
  const sign = (): void => void store.writeNote(LIFE, `${token} ${++signs}`).catch(() => undefined)
  const timer = setInterval(sign, SIGN_MS)
  try {
    await store.clear()
    const { outcome, identity, lastSequence, replaces } = await fill()
    const history = { name: identity.logName, lastSequence }
    await store.endFilling({ notes: notesOfEnded(identity), history, replaces })
    return outcome
  } finally {
    clearInterval(timer)
  }
}

export interface FilledStoreParts {
  readonly store: Pick<SharedStateStore, 'readNote' | 'readHistory'>
  /** Whether somebody is known to begin with it at this moment, though the store does not say so yet. */
  readonly isBegun: boolean
  readonly world: Pick<World, 'monotonicMs'>
  readonly signal: AbortSignal
  /** Told when it has to wait. */
  readonly onNotice: ((text: string) => void) | undefined
}

/**
 * What a store says of itself, once nobody fills it any more. `identity`: it is whole, or, undefined, was
 * never used. `abandoned`: it is half filled, or has a name alone, and whoever did it has gone.
 */
export type OnceFilled =
  | { readonly kind: 'identity'; readonly identity: StoreIdentity | undefined }
  | AbandonedFilling

export interface AbandonedFilling extends ReplacedFilling {
  readonly kind: 'abandoned'
  readonly isHalfFilled: boolean
  /** What to do, for people. */
  readonly refusal: VigiaError
}

/** What a shared store says of itself, once nobody fills it any more. @throws INTERRUPTED */
export const onceFilled = async ({
  store,
  isBegun,
  world,
  signal,
  onNotice,
}: FilledStoreParts): Promise<OnceFilled> => {
  let sign: string | undefined
  let signMs = 0
  for (;;) {
    const identity = await readStoreIdentity(store).catch((error: unknown) => {
      if (error instanceof VigiaError && error.code === 'SERVING_STATES_UNFINISHED') return error
      throw error
    })
    const isUnfinished = identity instanceof VigiaError
    if (!isUnfinished && (identity !== undefined || !isBegun)) return { kind: 'identity', identity }
    if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'waiting for states' })
    const life = await store.readNote(LIFE)
    const { name } = await store.readHistory()
    if (sign === undefined) onNotice?.('waiting for another process, which fills it with states')
    const last = `${life} ${name}`
    if (last !== sign) signMs = world.monotonicMs()
    else if (world.monotonicMs() - signMs > SILENT_MS) {
      const refusal = isUnfinished ? identity : unfinished(undefined)
      const filler = isUnfinished ? life?.split(' ')[0] : undefined
      return { kind: 'abandoned', isHalfFilled: isUnfinished, refusal, filler, name }
    }
    sign = last
    await pause(LOOK_MS)
  }
}

/**
 * The place of whoever has gone, for one who may begin anew what was begun by these.
 *
 * @throws SERVING_STATES_UNFINISHED when somebody else had begun: that is to be done again instead
 */
export const placeOf = (
  { isHalfFilled, refusal, filler, name }: AbandonedFilling,
  ...by: readonly Filling['by'][]
): ReplacedFilling => {
  if (isHalfFilled && !isUnfinishedBy(refusal, ...by)) throw refusal
  return { filler, name }
}
