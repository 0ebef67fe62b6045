/**
 * What a process knows of the world, chosen at the composition root and handed in; tests hand in a world of
 * their own.
 */
export interface World {
  /** Time of day, epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds since some moment, for durations: it never goes back, whatever happens to the clock. */
  readonly monotonicMs: () => number
  /** A new name that nobody else has, such as a random UUID. */
  readonly newId: () => string
}
