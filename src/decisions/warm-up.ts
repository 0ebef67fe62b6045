import type { EntityStates } from '../features/feature-engineer.ts'
import type { Decider } from './decider.ts'

/** Decisions of a warm-up: every code path runs several times, in a few milliseconds. */
const WARM_UP_DECISIONS = 60

/**
 * Decides on invented transactions with states that are thrown away, so that the first requests are not
 * slower than the others.
 */
export const warmUp = (decider: Decider): void => {
  const { engineer } = decider
  const states = Object.fromEntries(
    engineer.kinds.map((kind) => [kind, engineer.keeperOf(kind)!.create()]),
  ) as unknown as EntityStates
  const { attributes } = engineer.event
  const known = Object.fromEntries(
    attributes.map(({ name, kind }) => [name, kind === 'category' || kind === 'text' ? 'a' : 1]),
  )
  for (let n = 0; n < WARM_UP_DECISIONS; n++) {
    decider.decide(
      {
        transactionId: `warm-up ${n}`,
        userId: 'warm-up',
        merchantId: `m${n % 5}`,
        deviceId: `d${n % 3}`,
        merchantCategory: 'c',
        transactionType: 't',
        deviceType: 'd',
        location: `l${n % 7}`,
        latitude: n % 90,
        longitude: n % 180,
        eventTimeMs: 1e12 + n * 60_000,
        amountMinor: 100 + n,
        ...(attributes.length > 0 && { attributes: known }),
      },
      states,
      0,
      false,
    )
  }
}
