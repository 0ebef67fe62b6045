import { VigiaError } from '../errors.ts'

/**
 * A rule that this code keeps was broken: a mistake in it, never in what it was given.
 *
 * @param rule what should hold, in words, with the numbers that it did not hold for
 */
export const invariantBroken = (rule: string): VigiaError =>
  new VigiaError('INTERNAL', { reason: `broken invariant: ${rule}` })
