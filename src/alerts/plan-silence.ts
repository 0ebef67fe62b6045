import { VigiaError } from '../errors.ts'
import type { AlertBook, AlertEntry } from './alert-book.ts'
import type { AlertPerson } from './alert-commands.ts'
import type { AlertContext } from './alert-context.ts'
import { type PlannedSilence, patternText } from './planned-silence.ts'
import { assertSilenceTimes, isoOf } from './silence-times.ts'
import { tellAll } from './tell-all.ts'

/** A planned silence as it is asked for; the id is chosen by whoever asks. */
export type PlanRequest = Omit<PlannedSilence, 'atMs'>

/**
 * From its begin to its end nothing is sent of what fits, but that it is over. What still fires at its end is
 * told then.
 *
 * @throws ALERT_SILENCE_INVALID when it ends in the past or before it begins, lasts longer than a year,
 * begins in more than a year, or has no reason
 */
export const plan = (book: AlertBook, request: PlanRequest, context: AlertContext): AlertEntry => {
  const { nowMs: atMs } = context
  const of = patternText(request)
  assertSilenceTimes(of, request, atMs)
  const silence: PlannedSilence = { ...request, atMs }
  const planned = new Map(book.planned).set(silence.id, silence)
  const detail = `${of} from ${isoOf(silence.fromMs)} until ${isoOf(silence.untilMs)}: ${silence.reason}`
  const audit = [{ atMs, by: silence.by, did: 'planned a silence', key: silence.id, detail }]
  return { version: 1, ...tellAll({ ...book, planned }, [], context, audit), planned: [silence] }
}

/** Ends a planned silence, or sees to it that it does not begin. @throws ALERT_SILENCE_UNKNOWN */
export const cancel = (
  book: AlertBook,
  id: string,
  { by }: AlertPerson,
  context: AlertContext,
): AlertEntry => {
  const silence = book.planned.get(id)
  if (silence === undefined) {
    const known = [...book.planned.keys()].sort().slice(0, 10).join(', ') || 'none'
    throw new VigiaError('ALERT_SILENCE_UNKNOWN', { id, known })
  }
  const planned = new Map(book.planned)
  planned.delete(id)
  const { nowMs: atMs } = context
  const audit = [{ atMs, by, did: 'cancelled a silence', key: id, detail: patternText(silence) }]
  return { version: 1, ...tellAll({ ...book, planned }, [], context, audit), cancelled: [id] }
}
