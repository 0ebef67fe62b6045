/** Delimiters that exports use, the most frequent first. */
const COMMON_DELIMITERS = [',', ';', '\t', '|', ':'] as const

/** A column whose name was taken by an earlier one of the same header. */
export interface RenamedColumn {
  /** As the header says. */
  readonly header: string
  /** From 1, in the header. */
  readonly place: number
  /** By what name it is used: Account_2. */
  readonly name: string
}

/** The columns of a header line. */
export interface CsvHeader {
  readonly columns: readonly string[]
  readonly renamed: readonly RenamedColumn[]
}

/**
 * The column names in a header line: split at `delimiter`, quotes removed, trimmed.
 *
 * A nameless column is called column3 (its place, from 1). Names that differ only in case get _2, _3, because
 * SQL does not tell them apart.
 */
export const parseHeader = (line: string, delimiter: string, quote: string): CsvHeader => {
  const taken = new Set<string>()
  const copies = new Map<string, number>()
  const renamed: RenamedColumn[] = []
  const columns = splitLine(line.replace(/^\ufeff/, ''), delimiter, quote).map((cell, index) => {
    const wanted = cell.trim() === '' ? `column${index + 1}` : cell.trim()
    const key = wanted.toLowerCase()
    let name = wanted
    // Where the numbers of earlier ones ended: a header of equal names is read once, not once for each.
    let copy = copies.get(key) ?? 1
    while (taken.has(name.toLowerCase())) name = `${wanted}_${++copy}`
    copies.set(key, copy)
    taken.add(name.toLowerCase())
    if (name !== wanted) renamed.push({ header: wanted, place: index + 1, name })
    return name
  })
  return { columns, renamed }
}

/** The delimiter that splits `line` into the most columns, and how many; undefined when none splits it. */
export const likelyDelimiter = (
  line: string,
  quote: string,
): { readonly delimiter: string; readonly columns: number } | undefined => {
  const counts = COMMON_DELIMITERS.map((delimiter) => ({
    delimiter,
    columns: splitLine(line, delimiter, quote).length,
  }))
  const best = counts.reduce((left, right) => (right.columns > left.columns ? right : left))
  return best.columns > 1 ? best : undefined
}

const splitLine = (line: string, delimiter: string, quote: string): readonly string[] => {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!
    if (quote !== '' && character === quote) {
      if (quoted && line[at + 1] === quote) {
        cell += quote
        at++
      } else quoted = !quoted
    } else if (!quoted && line.startsWith(delimiter, at)) {
      cells.push(cell)
      cell = ''
      at += delimiter.length - 1
    } else cell += character
  }
  return [...cells, cell]
}
