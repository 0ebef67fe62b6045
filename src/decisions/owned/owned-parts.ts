import { Answers } from '../answers.ts'
import type { Decider } from '../decider.ts'
import type { LayoutOfStates } from '../states/layout-of-states.ts'
import { DueLabels } from './due-labels.ts'
import { ExpiredStates } from './expired-states.ts'
import { Following, type FollowingParts } from './following.ts'
import { Frontier } from './frontier.ts'
import { OwnedLabels, type OwnedLabelsParts } from './owned-labels.ts'
import type { OwnedDecisionsOptions } from './owned-states.ts'
import { Receipts } from './receipts.ts'
import { Recovery } from './recovery.ts'
import { Saver, sliceMsOf } from './saver.ts'
import { StateCache } from './state-cache.ts'
import { UnsavedStates } from './unsaved-states.ts'
import { WaitingLabels } from './waiting-labels.ts'

/** What the parts ask of the one that they are parts of. */
export interface OwnedHooks {
  readonly decider: () => Decider
  /** Whether other states decide. */
  readonly isFollowing: () => boolean
  /** Whether it may write by itself. */
  readonly isWriting: () => boolean
  readonly throwIfUnavailable: () => void
  readonly append: OwnedLabelsParts['append']
  readonly appendByItself: ConstructorParameters<typeof ExpiredStates>[0]['append']
}

/** Everything that a process has which owns its states. */
export interface OwnedParts {
  readonly answers: Answers
  readonly frontier: Frontier
  readonly receipts: Receipts
  readonly cache: StateCache
  readonly unsaved: UnsavedStates
  readonly saver: Saver
  readonly recovery: Recovery
  readonly waiting: WaitingLabels
  readonly expired: ExpiredStates
  readonly labels: OwnedLabels
  readonly following: Following
}

/** Wires the parts: none of them decides anything here. */
export const createOwnedParts = (options: OwnedDecisionsOptions, hooks: OwnedHooks): OwnedParts => {
  const { store, log, settings, observer, world, nameOf, layout = oneLayout(hooks.decider) } = options
  const { decider } = hooks
  const engineer = () => decider().engineer
  const frontier = new Frontier({
    get lastSequence() {
      return hooks.isFollowing() ? following.lastSequence : log.lastSequence
    },
  })
  const receipts = new Receipts(store)
  const { mostStates } = settings
  const cache = new StateCache({
    store,
    engineer,
    get cacheBytes() {
      return settings.cacheBytes * (options.cacheShare?.() ?? 1)
    },
    mostStates,
    given: () => frontier.given,
  })
  const unsaved = new UnsavedStates({ store, cache, frontier, engineer })
  const due = new DueLabels(store)
  const waiting = new WaitingLabels(store, (isFraud) => observer.labelled('expired', isFraud))
  const answers = new Answers(options)
  const { throwIfUnavailable, append } = hooks
  const own = { store, frontier, receipts, cache, due, waiting, decider, settings, world }
  const labels = new OwnedLabels({ ...own, answers, throwIfUnavailable, append })
  const expired = new ExpiredStates({
    ...own,
    unsaved,
    sliceMs: sliceMsOf(settings),
    isAvailable: hooks.isWriting,
    append: hooks.appendByItself,
  })
  const saver = new Saver({
    ...own,
    states: unsaved,
    ...(settings.expiresStates && { expired }),
    isNeeded: (eventTimeMs) => labels.isNeeded(eventTimeMs),
    observer,
  })
  const { beforeDecision } = options
  const replayed = { ...own, log, unsaved, labels, nameOf, layout, observer, saver, beforeDecision }
  const { watch } = options
  const recovery = new Recovery({ ...replayed, watch, saveReplayed: () => saver.saveReplayed() })
  const following: Following = new Following({
    ...replayed,
    assertLost: options.assertLost ?? noneIsLost,
    monotonicMs: options.world.monotonicMs,
  })
  return {
    answers,
    frontier,
    receipts,
    cache,
    unsaved,
    saver,
    recovery,
    waiting,
    expired,
    labels,
    following,
  }
}

/** Of a log in which models of one layout alone have decided. */
const oneLayout = (decider: () => Decider): LayoutOfStates => ({
  cleaningOf: async () => decider().models.champion.cleaning,
  isOwn: () => true,
})

const noneIsLost: FollowingParts['assertLost'] = async () => undefined
