import { setTimeout as pause } from 'node:timers/promises'
import {
  finishLoading,
  readStoreIdentity,
  type StoreIdentity,
  startLoading,
} from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { StateStore } from '../ports/state-store.ts'

/*
 * A store that is being filled says so by a note, so that nobody decides on half of it. Whoever fills it
 * gives a sign of life every second: another process that starts meanwhile waits for the end, and one that
 * finds a store whose filler has gone refuses it.
 */

/** Note that changes for as long as somebody fills the store. */
const LIFE = 'loading-life'
/** Between two signs of life, in milliseconds. */
const SIGN_MS = 1000
/** Without a sign for so long, whoever filled the store has gone; in milliseconds. */
const SILENT_MS = 10_000
/** Between two looks at a store that somebody else fills, in milliseconds. */
const LOOK_MS = 250

/** Fills a store; when `fill` throws, or the process ends, the store stays one that nobody serves from. */
export const whileFilling = async <T>(store: StateStore, fill: () => Promise<T>): Promise<T> => {
  await startLoading(store)
  let signs = 0
  const sign = (): void => void store.writeNote(LIFE, String(++signs)).catch(() => undefined)
  const timer = setInterval(sign, SIGN_MS)
  try {
    const filled = await fill()
    await finishLoading(store)
    return filled
  } finally {
    clearInterval(timer)
  }
}

export interface FilledStoreParts {
  readonly store: Pick<StateStore, 'readNote'>
  /** Whether somebody is known to begin with it at this moment, though the store does not say so yet. */
  readonly isBegun: boolean
  readonly world: Pick<World, 'monotonicMs'>
  readonly signal: AbortSignal
  /** Told when it has to wait. */
  readonly onNotice: ((text: string) => void) | undefined
}

/**
 * What a store says of itself, once nobody fills it any more; undefined: it was never used.
 *
 * @throws SERVING_STATES_UNFINISHED when it is half filled, and whoever did it has gone; INTERRUPTED
 */
export const identityOnceFilled = async ({
  store,
  isBegun,
  world,
  signal,
  onNotice,
}: FilledStoreParts): Promise<StoreIdentity | undefined> => {
  let sign: string | undefined
  let signMs: number | undefined
  for (;;) {
    const identity = await readStoreIdentity(store).catch((error: unknown) => {
      if (error instanceof VigiaError && error.code === 'SERVING_STATES_UNFINISHED') return error
      throw error
    })
    if (!(identity instanceof VigiaError) && (identity !== undefined || !isBegun)) return identity
    if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'waiting for states' })
    const last = await store.readNote(LIFE)
    if (signMs === undefined) onNotice?.('waiting for another process, which fills it with states')
    if (signMs === undefined || last !== sign) signMs = world.monotonicMs()
    else if (world.monotonicMs() - signMs > SILENT_MS)
      throw identity ?? new VigiaError('SERVING_STATES_UNFINISHED', {})
    sign = last
    await pause(LOOK_MS)
  }
}
