import type { AlertSubject } from './alert-key.ts'

/** Which alerts: each part is a pattern of the whole text, in which `*` stands for any text, none too. */
export interface AlertPatterns {
  readonly model: string
  readonly kind: string
  /** `all` is also that of all transactions, which have no segment. */
  readonly segment: string
}

/** A silence that begins by itself, of alerts that may not be there yet: a migration tonight. */
export interface PlannedSilence extends AlertPatterns {
  readonly id: string
  /** From here, inclusive, epoch milliseconds. */
  readonly fromMs: number
  /** Up to here, exclusive. */
  readonly untilMs: number
  readonly reason: string
  readonly by: string
  readonly atMs: number
}

/** The planned silence that holds an alert back now; of several the one that ends last. */
export const plannedSilenceOf = (
  subject: AlertSubject,
  planned: Iterable<PlannedSilence>,
  nowMs: number,
): PlannedSilence | undefined => {
  let last: PlannedSilence | undefined
  for (const silence of planned)
    if (isUnderWay(silence, nowMs) && silence.untilMs > (last?.untilMs ?? 0) && isMeant(silence, subject))
      last = silence
  return last
}

export const isUnderWay = ({ fromMs, untilMs }: PlannedSilence, nowMs: number): boolean =>
  fromMs <= nowMs && nowMs < untilMs

/** Whether the patterns fit. */
export const isMeant = (patterns: AlertPatterns, { model, kind, segment }: AlertSubject): boolean =>
  fits(patterns.model, model) && fits(patterns.kind, kind) && fits(patterns.segment, segment || 'all')

/** `vigia/fraud-detector/drift/*`: as keys are written, for people. */
export const patternText = ({ model, kind, segment }: AlertPatterns): string =>
  `vigia/${model}/${kind}/${segment}`

/** Piece by piece: a regular expression of many `*` could take for ever. */
const fits = (pattern: string, text: string): boolean => {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of others) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
