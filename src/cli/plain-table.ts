import Table from 'cli-table3'

export interface PlainTableOptions {
  /** Columns whose cells end at the same place: numbers. The others begin at the same place. */
  readonly right?: readonly number[]
  /** Spaces before each line. */
  readonly indent?: number
}

/**
 * Columns two spaces apart, without lines around them: readable on a terminal, and by `awk`. Colours in cells
 * are allowed.
 */
export const plainTable = (
  rows: readonly (readonly string[])[],
  { right = [], indent = 0 }: PlainTableOptions = {},
): string[] => {
  const [first] = rows
  if (first === undefined) return []
  const table = new Table({
    chars: NO_LINES,
    colAligns: first.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  return table
    .toString()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`.trimEnd())
}

/** Text that came from elsewhere, on one line: a control character in it does nothing to the terminal. */
export const onOneLine = (text: string, most = Number.POSITIVE_INFINITY): string => {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '\u{fffd}')
  const characters = [...line]
  return characters.length <= most ? line : `${characters.slice(0, Math.max(0, most - 1)).join('')}…`
}

const NO_LINES: Partial<Record<Table.CharName, string>> = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
