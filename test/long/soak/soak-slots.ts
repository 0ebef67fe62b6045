import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What was measured in one part of a soak. */
export interface Slot {
  /** Minutes from the start to its end. */
  readonly minute: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Private memory of the server, of Linux. */
  readonly rssAnonMegabytes: number
  /** All that the server keeps on its disk, by all that it has decided. */
  readonly bytesPerDecision: number
  /** What was done to the server in it. */
  readonly events: readonly string[]
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const rssAnonMegabytes = (processId: number): number => {
  const [, kilobytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** Bytes that a folder takes on its disk. */
export const bytesOnDisk = (folder: string): number =>
  Number(spawnSync('du', ['-sB1', folder], { encoding: 'utf8' }).stdout.split('\t')[0])

export const tableOf = (slots: readonly Slot[]): string =>
  [
    'minute  per s  p50 ms  p99 ms  RssAnon MB  bytes/decision  what was done',
    ...slots.map(({ minute, perSecond, p50Ms, p99Ms, rssAnonMegabytes: rss, bytesPerDecision, events }) =>
      [
        minute.toFixed(1).padStart(6),
        perSecond.toFixed(0).padStart(6),
        p50Ms.toFixed(1).padStart(7),
        p99Ms.toFixed(1).padStart(7),
        rss.toFixed(0).padStart(11),
        bytesPerDecision.toFixed(0).padStart(15),
        ` ${events.join('; ')}`,
      ].join(' '),
    ),
  ].join('\n')

/** Private memory that docs/serving.md promises: the cache when nothing is set, and what is beside it. */
const MOST_MEGABYTES = 512 + 256
/** As much again for states of another layout, which follow in the second third. */
const MOST_WHILE_FOLLOWING = MOST_MEGABYTES + 512

/**
 * What the last third of a soak may have more than the first: nothing was done to the server in either.
 * Both by the median of their parts. Of latency the machine has a share too: so much more counts as flat.
 */
const ALLOWED = {
  p50Ms: (first: number) => 1.5 * first + 2,
  p99Ms: (first: number) => 2 * first + 20,
  bytesPerDecision: (first: number) => 1.2 * first + 100,
} as const

/** Sentences on what has grown or was too large; none when everything is flat. */
export const growth = (slots: readonly Slot[]): readonly string[] => {
  const third = Math.floor(slots.length / 3)
  const memory = slots.flatMap(({ minute, rssAnonMegabytes: size }, i) => {
    const isBetween = i >= third && i < slots.length - third
    const most = isBetween ? MOST_WHILE_FOLLOWING : MOST_MEGABYTES
    return size <= most
      ? []
      : [`minute ${minute.toFixed(1)}: ${size.toFixed(0)} MiB of private memory, ${most} at most`]
  })
  const grown = (Object.keys(ALLOWED) as (keyof typeof ALLOWED)[]).flatMap((name) => {
    const median = (some: readonly Slot[]): number =>
      percentile(
        some.map((slot) => slot[name]),
        0.5,
      )
    const [first, last] = [median(slots.slice(0, third)), median(slots.slice(-third))]
    const most = ALLOWED[name](first)
    return last <= most
      ? []
      : [
          `${name}: ${last.toFixed(1)} in the last third, ${first.toFixed(1)} in the first, ${most.toFixed(1)} at most`,
        ]
  })
  return [...memory, ...grown]
}
