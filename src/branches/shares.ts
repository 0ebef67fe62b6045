import type { DecisionSettings } from '../decisions/decisions.ts'

/** Share of the memory that those have which decide, while others follow and nothing more is there. */
const OWNER_SHARE = 0.75

/**
 * How much of `cacheBytes` states of one layout may take; more than all of it where more is there.
 *
 * Those that decide keep theirs as far as `followingBytes` gives the others a quarter of it: whoever asks for
 * a decision waits for them.
 *
 * @param followers how many follow, or are about to
 */
export const shareOf = (
  { cacheBytes, followingBytes = 0 }: Pick<DecisionSettings, 'cacheBytes' | 'followingBytes'>,
  followers: number,
  isDeciding: boolean,
): number => {
  if (followers === 0) return 1
  const more = followingBytes / cacheBytes
  const given = Math.max(1 - OWNER_SHARE, more)
  return isDeciding ? 1 + more - given : given / followers
}
