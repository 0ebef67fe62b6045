import type { FolderOwner } from '../disk/folder-lock.ts'

/** How what a process has claimed in a journal is told from what one before it did. */
export interface Claims {
  readonly by: string
  /** Whether whoever made a claim is known to have ended: nobody waits for it. */
  readonly isGone: (by: string) => boolean
}

/**
 * Claims of this process. Those of a process of this machine that has ended hold nobody up.
 *
 * @param token of this start of the process: ids of processes come again
 */
export const claimsOf = (
  { processId, host, processSpace = '', isAlive }: FolderOwner,
  token: string,
): Claims => {
  const place = JSON.stringify([host, processSpace])
  return {
    by: `${processId} ${token} ${place}`,
    isGone: (by) => {
      const [id = '', other = '', ...rest] = by.split(' ')
      if (rest.join(' ') !== place) return false
      // An id that is ours with another token is that of a process before this one.
      return Number(id) === processId ? other !== token : !isAlive(Number(id))
    },
  }
}
