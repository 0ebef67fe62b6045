import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { arch, cpus, freemem, release, totalmem, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { TrackingOptions } from './tracking-options.ts'

/** What the composition root knows of who runs. */
export interface TrackedProcess {
  /** Of Vigía. */
  readonly version: string
  /** `vigia run`. */
  readonly command: string
  /** Absolute; the git repository around it is the one whose commit is recorded. */
  readonly workingDirectory: string
}

/** Tracking of a run of this process on this machine, into `store`. */
export const trackThisProcess = (
  store: TrackingStore,
  { version, command, workingDirectory }: TrackedProcess,
): TrackingOptions => {
  const commit = gitCommitOf(workingDirectory)
  return {
    store,
    newRunKey: randomUUID,
    tags: {
      'mlflow.user': userName(),
      'mlflow.source.name': command,
      'mlflow.source.type': 'LOCAL',
      ...(commit !== undefined && { 'mlflow.source.git.commit': commit }),
      'vigia.version': version,
      'vigia.node': process.version,
      'vigia.platform': `${process.platform} ${arch()}`,
    },
    environment: {
      vigia: version,
      node: process.version,
      versions: process.versions,
      platform: { name: process.platform, architecture: arch(), release: release() },
      processors: { model: cpus()[0]?.model ?? '', cores: cpus().length },
      memoryMegabytes: Math.round(totalmem() / 1e6),
      packages: packageVersions(),
      gitCommit: commit ?? null,
    },
    sampleResources: createResourceSampler(),
  }
}

/**
 * Use of the machine since the sample before, under MLflow's names for it (psutil's cpu_percent; used memory
 * in 10^6 bytes), beside the same of this process.
 */
export const createResourceSampler = (): (() => Record<string, number>) => {
  let before = processorTimes()
  let ownBefore = ownProcessorMs()
  let beforeMs = performance.now()
  return () => {
    const now = processorTimes()
    const own = ownProcessorMs()
    const nowMs = performance.now()
    const total = now.total - before.total
    const elapsedMs = nowMs - beforeMs
    const figures = {
      // Two samples of one moment have nothing between them.
      'system/cpu_utilization_percentage': total > 0 ? (100 * (now.busy - before.busy)) / total : 0,
      'system/system_memory_usage_megabytes': (totalmem() - freemem()) / 1e6,
      'system/system_memory_usage_percentage': (100 * (totalmem() - freemem())) / totalmem(),
      'system/process_memory_megabytes': process.memoryUsage.rss() / 1e6,
      'system/process_cpu_percentage': elapsedMs > 0 ? (100 * (own - ownBefore)) / elapsedMs : 0,
    }
    before = now
    ownBefore = own
    beforeMs = nowMs
    return figures
  }
}

const processorTimes = (): { readonly busy: number; readonly total: number } => {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq
    busy += all - times.idle
    total += all
  }
  return { busy, total }
}

const ownProcessorMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A user without an entry, as in some containers.
    return 'unknown'
  }
}

/** The packages that Vigía pins, by name. */
const packageVersions = (): Record<string, string> => {
  const text = readText(new URL('../../package.json', import.meta.url))
  return (JSON.parse(text || '{}') as { dependencies?: Record<string, string> }).dependencies ?? {}
}

/** Commit that is checked out in the repository around `folder`; undefined where there is none. */
export const gitCommitOf = (folder: string): string | undefined => {
  const git = gitFolderAround(folder)
  if (git === undefined) return undefined
  const head = readText(join(git, 'HEAD')).trim()
  const ref = /^ref: (.+)$/.exec(head)?.[1]
  if (ref === undefined) return asCommit(head)
  // A work tree of its own keeps its branches in the folder that it belongs to.
  const common = resolve(git, readText(join(git, 'commondir')).trim() || '.')
  const packed = readText(join(common, 'packed-refs'))
    .split('\n')
    .find((line) => line.endsWith(` ${ref}`))
  return asCommit(readText(join(common, ref)).trim()) ?? asCommit(packed?.split(' ')[0] ?? '')
}

const gitFolderAround = (folder: string): string | undefined => {
  const place = join(folder, '.git')
  const found = statSync(place, { throwIfNoEntry: false })
  if (found?.isDirectory()) return place
  // Of a work tree or submodule: `gitdir: <folder>`.
  const linked = found === undefined ? undefined : /^gitdir: (.+)$/m.exec(readText(place))?.[1]
  if (linked !== undefined) return resolve(folder, linked)
  return dirname(folder) === folder ? undefined : gitFolderAround(dirname(folder))
}

const asCommit = (text: string): string | undefined => (/^[0-9a-f]{40,64}$/.test(text) ? text : undefined)

const readText = (path: string | URL): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
