import { vi } from 'vitest'

/**
 * Tries `check` until it does not throw, and answers what it then answered; a machine with much else to do
 * has 20 seconds.
 *
 * @throws what `check` threw last
 */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: 20_000, interval: 20 })
