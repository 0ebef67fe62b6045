import { stat } from 'node:fs/promises'
import { VigiaError } from '../errors.ts'
import type { RunEntries } from '../ports/experiment-tracker.ts'
import { readFiles } from '../testing/memory/artifact-files.ts'
import {
  createMemoryTrackingStore as createLawfulStore,
  type MemoryTrackingStore as LawfulStore,
} from '../testing/memory/memory-tracking-store.ts'

/** What a call that changes something meets: it may fail before, half way or after, or never come back. */
export type Trouble = 'none' | 'before' | 'half' | 'after' | 'killed-before' | 'killed-after'

/** A tracking store in memory that keeps the laws of the ports, and fails when it is told to. */
export interface MemoryTrackingStore extends LawfulStore {
  /** Names of the calls that were made, in order. */
  readonly calls: string[]
}

/**
 * @param troubleOf asked before each call, by its name and number from 0 on
 */
export const createMemoryTrackingStore = (
  troubleOf: (call: string, number: number) => Trouble = () => 'none',
  location = 'memory',
): MemoryTrackingStore => {
  // One a page, so that whoever looks for something turns pages.
  const store = createLawfulStore({ location, pageSize: 1 })
  const calls: string[] = []
  const troubled = <Port extends object>(port: Port, halves: Halves): Port => {
    const troubledCall = (name: string, call: Call): Call => {
      return async (...given) => {
        const trouble = troubleOf(name, calls.length)
        calls.push(name)
        if (trouble === 'before') throw unreachable(location)
        if (trouble === 'killed-before') return never()
        if (trouble === 'half') {
          await halves[name]?.(given)
          throw unreachable(location)
        }
        const answer = await call(...given)
        if (trouble === 'killed-after') return never()
        if (trouble === 'after') throw unreachable(location)
        return answer
      }
    }
    const members = Object.entries(port).map(([name, member]) => [
      name,
      typeof member === 'function' && name !== 'close' ? troubledCall(name, member as Call) : member,
    ])
    return Object.fromEntries(members)
  }
  return {
    tracker: troubled(store.tracker, halvesOf(store)),
    registry: troubled(store.registry, {}),
    content: store.content,
    calls,
  }
}

type Call = (...given: unknown[]) => Promise<unknown>

/**
 * By the name of a call: does the first half of its effects. Without an entry there is one, and half is none.
 */
type Halves = Readonly<Record<string, (given: readonly unknown[]) => Promise<void>>>

const halvesOf = ({ tracker }: LawfulStore): Halves => ({
  logEntries: async ([id, entries]) => tracker.logEntries(id as string, firstHalf(entries as RunEntries)),
  logInputs: async ([id, inputs]) => {
    const all = inputs as Parameters<typeof tracker.logInputs>[1]
    await tracker.logInputs(id as string, all.slice(0, Math.floor(all.length / 2)))
  },
  logArtifact: async (given) => {
    const [id, localPath, artifactPath] = given as [string, string, string]
    if (!(await stat(localPath)).isDirectory()) return
    const files = await readFiles(localPath, artifactPath)
    for (const [path] of files.slice(0, Math.floor(files.length / 2)))
      await tracker.logArtifact(id, localPath + path.slice(artifactPath.length), path)
  },
})

const firstHalf = ({ params = {}, tags = {}, metrics = [] }: RunEntries): RunEntries => {
  const half = Math.floor((Object.keys(params).length + Object.keys(tags).length + metrics.length) / 2)
  const first = Object.entries(params).slice(0, half)
  const second = Object.entries(tags).slice(0, half - first.length)
  return {
    params: Object.fromEntries(first),
    tags: Object.fromEntries(second),
    metrics: metrics.slice(0, half - first.length - second.length),
  }
}

const unreachable = (location: string): VigiaError =>
  new VigiaError('TRACKING_UNREACHABLE', { location, reason: 'told to fail' })

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)
