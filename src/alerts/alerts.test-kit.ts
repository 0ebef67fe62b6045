import { createMemoryAlertChannel, type MemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
import { createMemoryJournalPlace, type MemoryJournalPlace } from '../adapters/memory/memory-journal.ts'
import { createRandom } from '../foundation/random.ts'
import type { AlertEntry } from './alert-book.ts'
import { type AlertCenter, type AlertCenterOptions, createAlertCenter } from './alert-center.ts'
import type { AlertContext } from './alert-context.ts'
import type { AlertRules, Finding, FoundSeverity } from './alert-state.ts'
import type { Look } from './take-look.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const START_MS = Date.UTC(2026, 10, 1)

export const RULES: AlertRules = {
  confirm: {
    moderate: { looks: 2, of: 3 },
    severe: { looks: 2, of: 3 },
    critical: { looks: 1, of: 1 },
  },
  recoveryLooks: 3,
  firstReminderMs: 4 * HOUR_MS,
  longestReminderMs: 72 * HOUR_MS,
  inhibit: { data_quality: ['drift'] },
}

export const SETTINGS: AlertCenterOptions['settings'] = {
  rules: RULES,
  retry: { firstMs: 5_000, longestMs: 900_000, giveUpMs: 3 * DAY_MS },
  routes: [],
}

export const contextAt = (nowMs: number, channels: readonly string[] = ['desk']): AlertContext => ({
  ...SETTINGS,
  channels,
  nowMs,
})

export const finding = (severity: FoundSeverity, changes: Partial<Finding> = {}): Finding => ({
  kind: 'drift',
  segment: '',
  severity,
  summary: `drift is ${severity}`,
  ...changes,
})

/** A bank whose looks come each day; the clock is the test's. */
export interface Desk {
  readonly center: AlertCenter
  readonly channel: MemoryAlertChannel
  readonly place: MemoryJournalPlace<AlertEntry>
  now(): number
  pass(ms: number): void
  /** One look, a day after the one before it, and what it sends. @returns reasons of what arrived */
  look(...findings: readonly Finding[]): Promise<readonly string[]>
  /** Time that passes without a look, in steps of an hour. @returns reasons of what arrived */
  wait(hours: number): Promise<readonly string[]>
  /** Another process on the same journal. */
  another(changes?: Partial<AlertCenterOptions>): AlertCenter
}

export const openDesk = (changes: Partial<AlertCenterOptions> = {}): Desk => {
  const channel = createMemoryAlertChannel('desk')
  const place = createMemoryJournalPlace<AlertEntry>()
  let nowMs = START_MS
  let looks = 0
  let processes = 0
  const another: Desk['another'] = (more = {}) =>
    createAlertCenter({
      journal: place.open(),
      channels: [channel],
      settings: SETTINGS,
      world: { now: () => nowMs },
      random: createRandom(7),
      claimant: { by: `process ${++processes}`, claimMs: 60_000, isGone: () => false },
      ...changes,
      ...more,
    })
  const center = another()
  const arrivedBy = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
    const before = channel.received.length
    await work()
    return channel.received
      .slice(before)
      .map(({ reason, kind }) => (kind === 'drift' ? reason : `${kind} ${reason}`))
  }
  return {
    center,
    channel,
    place,
    now: () => nowMs,
    pass: (ms) => {
      nowMs += ms
    },
    look: (...findings) =>
      arrivedBy(async () => {
        nowMs += DAY_MS
        await center.look(lookOf(`look ${++looks}`, findings))
        await center.deliver()
      }),
    wait: (hours) =>
      arrivedBy(async () => {
        for (let hour = 0; hour < hours; hour++) {
          nowMs += HOUR_MS
          await center.passTime()
          await center.deliver()
        }
      }),
    another,
  }
}

export const lookOf = (id: string, findings: readonly Finding[]): Look => ({
  id,
  model: 'fraud',
  monitor: 'daily',
  everyMs: DAY_MS,
  kinds: ['drift', 'data_quality'],
  findings,
})
