import type { ValueTextName } from './value-texts.ts'

/**
 * How a feature's value is told to a person, as data: half a sentence without a full stop, which stands after
 * "because".
 *
 * A value that `at` lists has words of its own; any other stands in `text` where `{}` is, written as its unit
 * is.
 */
export interface FeaturePhrase {
  /** `amount is {} times the user's mean`. */
  readonly text: string
  /** How `{}` is written. Default: as the feature's unit. */
  readonly as?: ValueTextName
  /** The vocabulary that a code stands in: `{}` is its entry. */
  readonly vocabulary?: string
  /** Sentences for single values, such as 0 and 1 of a feature that says yes or no. */
  readonly at?: Readonly<Record<number, string>>
  /** Said of NaN. Default: that nothing is known, with the feature's name. */
  readonly missing?: string
}

/** A phrase for a feature that is 1 or 0. Any other value is told as a degree of `yes`. */
export const yesOrNo = (yes: string, no: string, missing?: string): FeaturePhrase => ({
  text: `${yes}: {}`,
  as: 'number',
  at: { 0: no, 1: yes },
  ...(missing === undefined ? {} : { missing }),
})

const WINDOW_UNITS: Readonly<Record<string, string>> = {
  d: 'day',
  h: 'hour',
  m: 'minute',
  s: 'second',
  ms: 'millisecond',
}

/** A window's name in words that follow "the last": `hour` for `1h`, `7 days` for `7d`. */
export const windowText = (name: string): string => {
  const [, count = '', unit = ''] = /^(\d+)(\D+)$/.exec(name) ?? []
  const word = WINDOW_UNITS[unit] ?? unit
  return Number(count) === 1 ? word : `${Number(count)} ${word}s`
}
