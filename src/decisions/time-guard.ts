import type { World } from '../foundation/world.ts'
import { eventTimeProblem } from '../transaction/event-time.ts'
import { RequestProblemsError } from '../transaction/request-problem.ts'
import type { DecisionSettings } from './decisions.ts'
import type { InferenceObserver, InferencePipeline } from './inference-pipeline.ts'

/** Refuses a transaction whose time is too far from the server's clock. */
export const timeGuard =
  ({
    world,
    settings,
    observer,
  }: {
    readonly world: Pick<World, 'now'>
    readonly settings: Pick<DecisionSettings, 'eventTime'>
    readonly observer: Pick<InferenceObserver, 'mistimed'>
  }): InferencePipeline['assertTimely'] =>
  ({ eventTimeMs }) => {
    const refused = eventTimeProblem(eventTimeMs, world.now(), settings.eventTime)
    if (refused === undefined) return
    observer.mistimed(refused.reason)
    throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', [refused.problem])
  }
