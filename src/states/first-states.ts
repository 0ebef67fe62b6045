import { identityToFill, type StoreIdentity, unfinished } from '../decisions/states/store-identity.ts'
import type { ReplacedFilling } from '../ports/store-filling.ts'
import { onceFilled, placeOf } from './fill-store.ts'
import { type FillOptions, type LoadedStates, loadFirstStates } from './load-states.ts'

/** What a store is to a server that starts. */
export interface StoreAtStart {
  /** Undefined: it was never used, or a start before has left it half filled. */
  readonly identity: StoreIdentity | undefined
  /** Who may have begun to fill it. */
  readonly instead: ReplacedFilling
}

const NOBODY: ReplacedFilling = { filler: undefined, name: undefined }

/**
 * Looks at a store, once no other process fills it any more.
 *
 * @throws SERVING_STATES_UNFINISHED when it is half filled by a command; INTERRUPTED
 */
export const storeAtStart = async ({
  states,
  world,
  work: { signal },
  onNotice,
}: Pick<FillOptions, 'states' | 'world' | 'work' | 'onNotice'>): Promise<StoreAtStart> => {
  if (states.kind === 'owned')
    return { identity: await identityToFill(states.store, 'start'), instead: NOBODY }
  const found = await onceFilled({ store: states.store, isBegun: false, world, signal, onNotice })
  return found.kind === 'identity'
    ? { identity: found.identity, instead: NOBODY }
    : { identity: undefined, instead: placeOf(found, 'start') }
}

export interface FirstStatesOptions extends FillOptions {
  /** As the store was found. */
  readonly instead: ReplacedFilling
  /** Makes sure that nobody has ever decided on the store; throws otherwise. */
  readonly assertNeverUsed: () => Promise<void>
}

/** What a server begins with: states that it has loaded, or those that another one has. */
export type FirstStates =
  | { readonly kind: 'loaded'; readonly loaded: LoadedStates }
  | { readonly kind: 'kept'; readonly identity: StoreIdentity }

/**
 * Fills a store that was never used with the states of a run, or waits for another server that does, and
 * begins anew when that one ends before it has finished.
 *
 * @throws SERVING_STATES_UNFINISHED when a command fills it meanwhile, and ends before it has finished;
 * SERVING_HISTORY_LOST, SERVING_FILLER_REPLACED, MODEL_STATES_REFUSED, INTERRUPTED
 */
export const firstStates = async (options: FirstStatesOptions): Promise<FirstStates> => {
  const { states, world, work, onNotice } = options
  let { instead } = options
  for (;;) {
    const loaded = await loadFirstStates(options, instead)
    if (loaded !== undefined) return { kind: 'loaded', loaded }
    if (states.kind === 'owned') throw new Error('a store of one process is filled by nobody else')
    const { signal } = work
    const found = await onceFilled({ store: states.store, isBegun: true, world, signal, onNotice })
    if (found.kind === 'identity') return { kind: 'kept', identity: found.identity! }
    await options.assertNeverUsed()
    const next = placeOf(found, 'start')
    // Nobody has come since, so it was refused for what the store has: numbers without an identity.
    if (next.filler === instead.filler && next.name === instead.name) throw unfinished(undefined)
    instead = next
  }
}
