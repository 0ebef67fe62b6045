import { VigiaError } from '../../errors.ts'

/** Numbers from `first` to `last`, both inclusive. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** Numbers as they are written: `104-105,200`; empty for none. */
export const rangesText = (ranges: readonly NumberRange[]): string =>
  ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',')

/** Ranges that are named: more of them are of a log that is not. */
const MOST_NAMED = 10

/** The first of them, and how many more there are; `none` for none. */
export const someRanges = (ranges: readonly NumberRange[]): string =>
  `${rangesText(ranges.slice(0, MOST_NAMED)) || 'none'}${ranges.length > MOST_NAMED ? ` and ${ranges.length - MOST_NAMED} more` : ''}`

/** What `--accept` would take for all of them; the word `numbers` where they are too many to be named. */
export const acceptText = (ranges: readonly NumberRange[]): string =>
  ranges.length > MOST_NAMED ? 'numbers' : rangesText([...ranges].sort((a, b) => a.first - b.first))

/** What `rangesText` wrote, as an argument of a command. @throws CLI_INVALID_ARGUMENT */
export const parseRanges = (text: string, command = 'state', argument = '--accept'): NumberRange[] =>
  text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, first = '', last = first] = /^\s*([1-9]\d{0,14})(?:-([1-9]\d{0,14}))?\s*$/.exec(part) ?? []
      if (first !== '' && Number(first) <= Number(last)) return { first: Number(first), last: Number(last) }
      throw new VigiaError('CLI_INVALID_ARGUMENT', {
        command,
        reason: `${argument} has "${part}"; allowed: numbers and ranges of them, for instance 104-105,200`,
      })
    })
