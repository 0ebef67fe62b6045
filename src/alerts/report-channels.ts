import type { AlertBook, AlertEntry, AuditRecord } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import { isFiring } from './alert-state.ts'
import { atOnce, observe } from './observe.ts'
import { DELIVERY, tellAll } from './tell-all.ts'

/** What the signs of life are called among broken channels; no channel may be called so. */
export const HEARTBEAT = 'alerts.heartbeat'

/**
 * What a process that keeps alerts going cannot send through, so that everybody sees it. Undefined where
 * nothing is new.
 */
export const reportChannels = (book: AlertBook, context: AlertContext): AlertEntry | undefined => {
  const { nowMs, broken = new Map<string, string>() } = context
  const news = [...broken].filter(([name, reason]) => book.broken.get(name) !== reason)
  const mended = [...book.broken.keys()].filter((name) => !broken.has(name))
  if (news.length === 0 && mended.length === 0) return undefined
  const audit: AuditRecord[] = [
    ...news.map(([name, reason]) => ({
      atMs: nowMs,
      by: 'vigia',
      did: 'found broken',
      detail: `${name}: ${reason}`,
    })),
    ...mended.map((detail) => ({ atMs: nowMs, by: 'vigia', did: 'found mended', detail })),
  ]
  const healed = [...book.states.values()].filter(
    (state) => state.kind === DELIVERY && mended.includes(state.segment) && isFiring(state),
  )
  const clean = { severity: 'none', summary: '' } as const
  const changed = healed.map((state) => observe(state, clean, atOnce(context.rules), nowMs))
  const changes = [...news, ...mended.map((name) => [name, null] as const)]
  return { version: 1, ...tellAll(book, changed, context, audit), broken: Object.fromEntries(changes) }
}
