import type { Crew } from '../learning/algorithm.ts'

/** Counters of a crew, as `Crew` promises. */
const COUNTERS = 16
/** Words between two that threads write at once: on one cache line each would wait for the other's writes. */
const LINE_WORDS = 16

const ARRIVED = 0
const GENERATION = LINE_WORDS
const FIRST_COUNTER = 2 * LINE_WORDS

/**
 * Looks at the barrier before a thread goes to sleep: a few microseconds. Where cores are busy with other
 * work more looks only keep the awaited thread from running: with two busy cores a meeting took 12 µs with
 * 200 looks, 64 µs with 2,000.
 */
const SPINS = 200

/** Memory that the threads of one crew meet in. */
export const createCrewControl = (): Int32Array =>
  new Int32Array(new SharedArrayBuffer((FIRST_COUNTER + COUNTERS * LINE_WORDS) * 4))

/**
 * One thread's view of a crew whose threads share `control` and `parts`.
 *
 * A thread that fails or an interruption ends the whole crew from outside, wherever its threads are; so none
 * of them waits for one that is gone, and none ever sees `isCancelled`.
 */
export const threadCrew = ({
  index,
  size,
  control,
  parts,
  reportProgress,
}: Pick<Crew, 'index' | 'size' | 'parts' | 'reportProgress'> & { readonly control: Int32Array }): Crew => ({
  index,
  size,
  parts,
  reportProgress,
  wait: () => waitForAll(control, size),
  takeNext: (counter) => Atomics.add(control, FIRST_COUNTER + counter * LINE_WORDS, 1),
  resetCount: (counter) => {
    Atomics.store(control, FIRST_COUNTER + counter * LINE_WORDS, 0)
  },
  isCancelled: () => false,
})

/**
 * A barrier that can be used again: the last thread to arrive counts the generation up, which is what the
 * others wait for. Growing trees meets here thousands of times, so a thread first looks on for a moment
 * before it sleeps.
 */
const waitForAll = (control: Int32Array, size: number): void => {
  const generation = Atomics.load(control, GENERATION)
  if (Atomics.add(control, ARRIVED, 1) === size - 1) {
    Atomics.store(control, ARRIVED, 0)
    Atomics.add(control, GENERATION, 1)
    Atomics.notify(control, GENERATION)
    return
  }
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, GENERATION) !== generation) return
  while (Atomics.load(control, GENERATION) === generation) Atomics.wait(control, GENERATION, generation)
}
