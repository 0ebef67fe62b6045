import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import type { ProcessMemory } from '../decisions/owned/cache-size.ts'

/** What this process may use: of the machine, or of its control group where that has less. */
export const processMemory = (): ProcessMemory => {
  const machine = totalmem()
  const container = process.constrainedMemory?.() ?? 0
  // Without a limit it is 0, or more than there is.
  const isLimited = container > 0 && container < machine
  return {
    totalBytes: isLimited ? container : machine,
    of: isLimited ? 'the container' : 'the machine',
    heapBytes: getHeapStatistics().heap_size_limit,
  }
}

/**
 * Memory that is this process's own: the resident size counts mapped files too, which the system takes back
 * when it needs room.
 */
export const privateBytes = (): number => {
  try {
    const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kibibytes !== undefined) return Number(kibibytes) * 1024
  } catch {
    // Another system than Linux.
  }
  return process.memoryUsage.rss()
}

/**
 * Garbage that V8 lets stand before it collects, in percent of what is alive. By itself it lets a heap of
 * 100 MB grow to 250 MB while there is memory, and a server shares its machine.
 */
const GARBAGE_PERCENT = 20

/** Makes V8 collect often enough that a server's memory is what it holds, and a fifth more. */
export const boundGarbage = (): void => setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`)
