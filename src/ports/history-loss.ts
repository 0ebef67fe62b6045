import type { KnownHistory } from './state-store.ts'

/** Code of the error by which a store refuses a process that expects another history (law 14). */
export const HISTORY_LOST = 'SERVING_HISTORY_LOST'

/**
 * Why a store refuses a process, for people.
 *
 * @param name of the history that the store has; undefined: none
 * @param lastSequence the store's last number
 */
export const lossText = (name: string | undefined, lastSequence: number, known: KnownHistory): string => {
  const knows =
    known.lastSequence === 0
      ? `it was that of ${known.name}-…`
      : `decisions ${known.name}-1 to ${known.name}-${known.lastSequence} were made on it`
  if (name === undefined) return `it is empty, and ${knows}`
  if (name !== known.name)
    return `it has the decisions ${name}-1 to ${name}-${lastSequence}, and this server's are ${known.name}-…`
  return `it ends with ${name}-${lastSequence}, and ${knows}`
}
