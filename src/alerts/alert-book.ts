import type { AlertNotification } from '../ports/alert-channel.ts'
import type { AlertState } from './alert-state.ts'
import type { PlannedSilence } from './planned-silence.ts'

/** A message on its way to one channel. */
export interface OutboxMessage {
  /** `<notification id>@<channel>` */
  readonly id: string
  readonly channel: string
  readonly notification: AlertNotification
  /** Times that it was sent, the one under way included. */
  readonly attempts: number
  /** Not sent before, epoch milliseconds. */
  readonly notBeforeMs: number
  /** Whose attempt is under way, and until when nobody else makes one. */
  readonly claim?: { readonly by: string; readonly untilMs: number }
  /** Why the last attempt did not help. */
  readonly lastReason?: string
}

/** A message that was given up. */
export interface DeadLetter {
  readonly id: string
  readonly channel: string
  readonly notification: AlertNotification
  readonly attempts: number
  readonly reason: string
  readonly atMs: number
}

/** Who did what: what an auditor reads. */
export interface AuditRecord {
  readonly atMs: number
  /** A person, or `vigia`. */
  readonly by: string
  readonly did: string
  readonly key?: string
  readonly detail?: string
}

/** When a model was looked at last, for the dead man's switch. */
export interface MonitorState {
  /** `<model>/<monitor>` */
  readonly id: string
  readonly model: string
  /** Which of the model's looks: `daily`. */
  readonly monitor: string
  /** The look, so that one that is told twice counts once. */
  readonly lookId: string
  /** Epoch milliseconds. */
  readonly lastMs: number
  readonly everyMs: number
}

/** What one transaction changes: written as one line, so that it is there whole or not at all. */
export interface AlertEntry {
  readonly version: 1
  readonly states?: readonly AlertState[]
  /** Keys of alerts that nobody needs any more. */
  readonly forgotten?: readonly string[]
  readonly monitors?: readonly MonitorState[]
  /** Ids of looks that are not to come any more. */
  readonly ended?: readonly string[]
  readonly planned?: readonly PlannedSilence[]
  /** Ids of planned silences that are not to be. */
  readonly cancelled?: readonly string[]
  /** Messages that are new or have changed. */
  readonly outbox?: readonly OutboxMessage[]
  /** Ids of messages that have arrived, or have become dead letters. */
  readonly done?: readonly string[]
  readonly dead?: readonly DeadLetter[]
  /** Ids of dead letters that nobody needs any more. */
  readonly buried?: readonly string[]
  /** Handles of threads by `<episode>@<channel>`; null: the episode is over. */
  readonly threads?: Readonly<Record<string, string | null>>
  /** Channels whose receiver wants nothing more, with its reason; null: it is wanted again. */
  readonly disabled?: Readonly<Record<string, string | null>>
  /**
   * Channels, or `HEARTBEAT`, that a process which keeps alerts going cannot send through, with the reason;
   * null: it can again.
   */
  readonly broken?: Readonly<Record<string, string | null>>
  /** When a channel took a message last, epoch milliseconds. */
  readonly delivered?: Readonly<Record<string, number>>
  readonly audit?: readonly AuditRecord[]
}

/** Everything that alerts are, as it follows from the entries of a journal. */
export interface AlertBook {
  readonly states: ReadonlyMap<string, AlertState>
  readonly monitors: ReadonlyMap<string, MonitorState>
  /** In the order in which they came. */
  readonly outbox: ReadonlyMap<string, OutboxMessage>
  readonly dead: ReadonlyMap<string, DeadLetter>
  readonly threads: ReadonlyMap<string, string>
  readonly disabled: ReadonlyMap<string, string>
  readonly broken: ReadonlyMap<string, string>
  readonly delivered: ReadonlyMap<string, number>
  readonly planned: ReadonlyMap<string, PlannedSilence>
  readonly audit: readonly AuditRecord[]
  /** Entries since the last one that held everything. */
  readonly entries: number
}

export const EMPTY_BOOK: AlertBook = {
  states: new Map(),
  monitors: new Map(),
  outbox: new Map(),
  dead: new Map(),
  threads: new Map(),
  disabled: new Map(),
  broken: new Map(),
  delivered: new Map(),
  planned: new Map(),
  audit: [],
  entries: 0,
}

/** The book after more entries. */
export const withEntries = (before: AlertBook, entries: readonly AlertEntry[]): AlertBook => {
  if (entries.length === 0) return before
  const states = new Map(before.states)
  const monitors = new Map(before.monitors)
  const outbox = new Map(before.outbox)
  const dead = new Map(before.dead)
  const threads = new Map(before.threads)
  const disabled = new Map(before.disabled)
  const broken = new Map(before.broken)
  const delivered = new Map(before.delivered)
  const planned = new Map(before.planned)
  const audit = [...before.audit]
  for (const entry of entries) {
    for (const state of entry.states ?? []) states.set(state.key, state)
    remove(states, entry.forgotten)
    for (const monitor of entry.monitors ?? []) monitors.set(monitor.id, monitor)
    remove(monitors, entry.ended)
    for (const message of entry.outbox ?? []) outbox.set(message.id, message)
    remove(outbox, entry.done)
    for (const letter of entry.dead ?? []) dead.set(letter.id, letter)
    remove(dead, entry.buried)
    for (const silence of entry.planned ?? []) planned.set(silence.id, silence)
    remove(planned, entry.cancelled)
    put(threads, entry.threads)
    put(disabled, entry.disabled)
    put(broken, entry.broken)
    for (const [channel, atMs] of Object.entries(entry.delivered ?? {})) delivered.set(channel, atMs)
    audit.push(...(entry.audit ?? []))
  }
  return {
    states,
    monitors,
    outbox,
    dead,
    threads,
    disabled,
    broken,
    delivered,
    planned,
    audit,
    entries: before.entries + entries.length,
  }
}

/** One entry that says all that a book holds. */
export const wholeBook = (book: AlertBook): AlertEntry => ({
  version: 1,
  states: [...book.states.values()],
  monitors: [...book.monitors.values()],
  outbox: [...book.outbox.values()],
  dead: [...book.dead.values()],
  threads: Object.fromEntries(book.threads),
  disabled: Object.fromEntries(book.disabled),
  broken: Object.fromEntries(book.broken),
  delivered: Object.fromEntries(book.delivered),
  planned: [...book.planned.values()],
  audit: book.audit,
})

const put = (into: Map<string, string>, changes: Readonly<Record<string, string | null>> = {}): void => {
  for (const [key, value] of Object.entries(changes))
    if (value === null) into.delete(key)
    else into.set(key, value)
}

const remove = (from: Map<string, unknown>, keys: readonly string[] = []): void => {
  for (const key of keys) from.delete(key)
}
