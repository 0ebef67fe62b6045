import { VigiaError } from '../../errors.ts'

/** Numbers from `first` to `last`, both inclusive. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** Numbers as they are written: `104-105,200`; empty for none. */
export const rangesText = (ranges: readonly NumberRange[]): string =>
  ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',')

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
