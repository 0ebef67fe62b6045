import { VigiaError } from '../errors.ts'

/** States that follow, on their way to deciding. */
export interface ComingNear {
  /** Their layout, for people. */
  readonly name: string
  /** Records of the log that they lack now. */
  behind(): number
  /** Takes in some of what the log has now. @throws when they do not follow */
  follow(): Promise<void>
}

/** Records that may be left when requests are held: a few milliseconds of work. */
const FEW_RECORDS = 256
/** As many as are taken in while requests wait, where fewer are never left: about a second of work. */
const SOME_RECORDS = 4096
/** Rounds with no more than that left before requests are held all the same. */
const MOST_NEAR_ROUNDS = 100
/** Rounds on end after which no less is left than before: they do not come nearer. */
const MOST_STALLS = 8
/** What is less. */
const LESS = 0.99

/**
 * Lets states come so near to the end of a log that goes on that requests can wait for the rest.
 *
 * @param cacheMebibytes what the states of the server have, for people
 * @throws SERVING_BRANCH_SLOW when the log goes on as fast as they take it in
 */
export const comeNear = async (states: ComingNear, cacheMebibytes: number): Promise<void> => {
  const first = states.behind()
  let least = Number.POSITIVE_INFINITY
  let stalls = 0
  for (let near = 0; near < MOST_NEAR_ROUNDS && stalls < MOST_STALLS; ) {
    await states.follow()
    const left = states.behind()
    if (left <= FEW_RECORDS) return
    if (left <= SOME_RECORDS) near++
    else if (left > LESS * least) stalls++
    else {
      least = left
      stalls = 0
    }
  }
  const behind = states.behind()
  if (behind > SOME_RECORDS)
    throw new VigiaError('SERVING_BRANCH_SLOW', { layout: states.name, first, behind, cache: cacheMebibytes })
}
