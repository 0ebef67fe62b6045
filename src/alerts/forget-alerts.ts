import { VigiaError } from '../errors.ts'
import type { AlertBook, AlertEntry } from './alert-book.ts'
import { type AlertPerson, alertOf, record } from './alert-commands.ts'
import type { AlertContext } from './alert-context.ts'
import { dedupKeyOf } from './alert-key.ts'
import type { AlertState } from './alert-state.ts'
import { MONITORING } from './take-look.ts'
import { tellAll } from './tell-all.ts'

/** One alert by its key, or all that is known of a model. */
export type ForgetRequest = { readonly key: string } | { readonly model: string }

/**
 * Removes what nobody needs any more: an alert, its dead letters, and, where it is that looks do not come,
 * the look that is missed.
 *
 * Channels that believe that it fires are told that it is over first; a process without channels leaves that,
 * and then the removal, to one that has them. A look that finds it again begins it anew.
 *
 * @throws ALERT_UNKNOWN, and ALERT_MODEL_UNKNOWN where neither alerts nor looks are of the model
 */
export const forget = (
  book: AlertBook,
  request: ForgetRequest,
  { by }: AlertPerson,
  context: AlertContext,
): AlertEntry => {
  const { states, ended } = 'key' in request ? ofKey(book, request.key) : ofModel(book, request.model)
  const { nowMs } = context
  const over = states.map((state) => overNow(state, nowMs))
  const keys = new Set(states.map(({ key }) => key))
  const buried = [...book.dead.values()].filter(({ notification }) => keys.has(notification.dedupKey))
  const audit = [
    ...states.map(({ key }) => record(context, by, 'forgot it', key)),
    ...ended.map((id) => ({ atMs: nowMs, by, did: 'forgot the look', detail: id })),
  ]
  return {
    version: 1,
    ...tellAll(book, over, context, audit),
    ended,
    buried: buried.map(({ id }) => id),
  }
}

/** No look has found it, and nobody shall look for it. */
const overNow = (state: AlertState, nowMs: number): AlertState => {
  const { severity: _, acknowledged: __, silence: ___, ...rest } = state
  return { ...rest, status: 'ok', recent: [], sinceMs: nowMs, isForgotten: true }
}

const ofKey = (book: AlertBook, key: string) => {
  const ended = monitorsWhere(book, ({ model, monitor }) => keyOfMissed(model, monitor) === key)
  // Looks that have come so far have no alert of their own.
  const isOnlyLook = ended.length > 0 && !book.states.has(key)
  return { states: isOnlyLook ? [] : [alertOf(book, key)], ended }
}

const ofModel = (book: AlertBook, model: string) => {
  const states = [...book.states.values()].filter((state) => state.model === model)
  const ended = monitorsWhere(book, (monitor) => monitor.model === model)
  if (states.length === 0 && ended.length === 0) {
    const models = new Set([...book.states.values(), ...book.monitors.values()].map((one) => one.model))
    const known = [...models].sort().slice(0, 10).join(', ') || 'none'
    throw new VigiaError('ALERT_MODEL_UNKNOWN', { model, known })
  }
  return { states, ended }
}

/** The alert that a look does not come. */
const keyOfMissed = (model: string, monitor: string): string =>
  dedupKeyOf({ model, kind: MONITORING, segment: monitor })

const monitorsWhere = (
  { monitors }: AlertBook,
  isMeant: (monitor: { readonly model: string; readonly monitor: string }) => boolean,
): readonly string[] => [...monitors.values()].filter(isMeant).map(({ id }) => id)
