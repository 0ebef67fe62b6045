import { setFlagsFromString } from 'node:v8'

/**
 * Garbage that V8 lets stand before it collects, in percent of what is alive. By itself it lets a heap of
 * 100 MB grow to 250 MB while there is memory, and a server shares its machine.
 */
const GARBAGE_PERCENT = 20

/** Makes V8 collect often enough that a server's memory is what it holds, and a fifth more. */
export const boundGarbage = (): void => setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`)
