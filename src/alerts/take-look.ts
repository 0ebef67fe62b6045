import type { AlertBook, AlertEntry, AuditRecord } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import { dedupKeyOf } from './alert-key.ts'
import { type AlertState, type Finding, isFiring } from './alert-state.ts'
import { undelivered } from './delivery-alert.ts'
import { atOnce, observe, unseen } from './observe.ts'
import { DELIVERY, tellAll } from './tell-all.ts'

/** All that one look at a model found. */
export interface Look {
  /** A look that is told twice, as after a crash, counts once: `2026-11-30`. */
  readonly id: string
  readonly model: string
  /** Which of the model's looks: `daily`. Each is expected again after `everyMs`. */
  readonly monitor: string
  readonly everyMs: number
  /** What was looked at: an alert of these kinds that is not among the findings was found clean. */
  readonly kinds: readonly string[]
  readonly findings: readonly Finding[]
}

/** An alert of this kind says that looks do not come: the dead man's switch. */
export const MONITORING = 'monitoring'

/** Looks that may be missing until the dead man's switch fires. */
export const MISSED_LOOKS = 2

/** Whether a look is the one that was taken last. */
export const isTaken = (book: AlertBook, { model, monitor, id }: Look): boolean =>
  book.monitors.get(`${model}/${monitor}`)?.lookId === id

/**
 * What follows from a look. One that was taken before says nothing new of the model, and that somebody looks:
 * where no day has ended since, the dead man's switch is held all the same.
 */
export const takeLook = (book: AlertBook, given: Look, context: AlertContext): AlertEntry => {
  const look = isTaken(book, given) ? { ...given, kinds: [], findings: [] } : given
  const { model, monitor, everyMs, id: lookId } = look
  const { nowMs, rules } = context
  const id = `${model}/${monitor}`
  const changed = new Map<string, AlertState>()
  for (const finding of worstOfEach(model, look.findings)) {
    const subject = { model, kind: finding.kind, segment: finding.segment }
    const before = book.states.get(dedupKeyOf(subject)) ?? unseen(subject, nowMs)
    changed.set(before.key, observe(before, finding, rules, nowMs))
  }
  for (const state of book.states.values())
    if (state.model === model && look.kinds.includes(state.kind) && !changed.has(state.key))
      changed.set(state.key, observe(state, CLEAN, rules, nowMs))
  const missed = book.states.get(dedupKeyOf({ model, kind: MONITORING, segment: monitor }))
  if (missed !== undefined) changed.set(missed.key, observe(missed, CLEAN, atOnce(rules), nowMs))
  const moves = movesOf(book, [...changed.values()], nowMs)
  const entry = tellAll(book, [...changed.values()], context, moves)
  return {
    version: 1,
    ...entry,
    monitors: [{ id, model, monitor, lookId, lastMs: nowMs, everyMs }],
  }
}

/**
 * What follows from the mere passing of time: looks that do not come, reminders, silences that end, messages
 * that wait for a channel which is broken.
 */
export const passTime = (book: AlertBook, context: AlertContext): AlertEntry | undefined => {
  const { nowMs, rules } = context
  const changed: AlertState[] = []
  for (const { model, monitor, lastMs, everyMs } of book.monitors.values()) {
    if (nowMs - lastMs < MISSED_LOOKS * everyMs) continue
    const subject = { model, kind: MONITORING, segment: monitor }
    const before = book.states.get(dedupKeyOf(subject)) ?? unseen(subject, nowMs)
    if (isFiring(before)) continue
    const summary = `Nobody has looked at ${model} since ${new Date(lastMs).toISOString()} (${monitor})`
    const details = ['What drifts or breaks meanwhile is not seen. Look for the process that monitors.']
    changed.push(observe(before, { severity: 'critical', summary, details }, atOnce(rules), nowMs))
  }
  // Who has no channels, such as a command without the server's configuration, knows nothing of them.
  for (const state of context.channels.length === 0 ? [] : book.states.values())
    if (state.kind === DELIVERY && isFiring(state) && !context.channels.includes(state.segment))
      changed.push(observe(state, CLEAN, atOnce(rules), nowMs))
  changed.push(...waitingForBroken(book, context))
  return tellAll(book, changed, context, movesOf(book, changed, nowMs))
}

/** Nobody hears by itself of a channel that takes nothing: the others are told, once. */
const waitingForBroken = (book: AlertBook, context: AlertContext): readonly AlertState[] => {
  const changed = new Map<string, AlertState>()
  for (const { channel, notification } of book.outbox.values()) {
    const reason = book.broken.get(channel)
    if (reason === undefined || !context.channels.includes(channel)) continue
    const state = undelivered(book, { channel, notification, reason }, context)
    if (state !== undefined) changed.set(state.key, state)
  }
  return [...changed.values()]
}

const CLEAN = { severity: 'none', summary: '' } as const

/** Of several findings of one alert the worst counts. */
const worstOfEach = (model: string, findings: readonly Finding[]): readonly Finding[] => {
  const ranks = ['none', 'moderate', 'severe', 'critical']
  const worst = new Map<string, Finding>()
  for (const finding of findings) {
    const key = dedupKeyOf({ model, kind: finding.kind, segment: finding.segment })
    const other = worst.get(key)
    if (other === undefined || ranks.indexOf(finding.severity) > ranks.indexOf(other.severity))
      worst.set(key, finding)
  }
  return [...worst.values()]
}

const movesOf = (book: AlertBook, changed: readonly AlertState[], nowMs: number): readonly AuditRecord[] =>
  changed.flatMap((state) => {
    const before = book.states.get(state.key)?.status ?? 'ok'
    return before === state.status
      ? []
      : [{ atMs: nowMs, by: 'vigia', did: `${before} to ${state.status}`, key: state.key }]
  })
