import type { OpenStates } from '../decisions.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'

/** Warns of a shared store that forgets decisions when its server is started again. */
export const tellPersistence = (
  states: OpenStates,
  observer: Pick<InferenceObserver, 'warned'>,
  /** Told where the server does not say what it keeps: good to know, and no reason to worry. */
  onNotice?: (text: string) => void,
): void => {
  if (states.kind === 'owned') return
  const { name: store, persistence } = states
  const { kind, says: reason } = persistence
  if (kind === 'unknown') onNotice?.(reason)
  else if (kind !== 'log') observer.warned('SERVING_STORE_FORGETS', { store, reason, next: NEXT })
}

const NEXT = 'Set appendonly yes in the server; what it loses comes back by `vigia state restore` alone.'
