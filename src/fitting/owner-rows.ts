import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { OwnerRow } from '../model/imported/compare-scores.ts'

/** A file of rows that a model was given elsewhere, and what it scored them. */
export interface OwnerFile {
  /** CSV with a header, or Parquet where its name ends in `.parquet`. */
  readonly path: string
  /** Of each feature, in the model's order, what its column may be called: the first that is there counts. */
  readonly columns: readonly (readonly string[])[]
  /**
   * Whether the columns beside the score are the features in their order, if there are as many and not all
   * are called as above: of models that name none.
   */
  readonly areInOrder: boolean
  readonly scoreColumn: string
}

/** Types of Parquet that are numbers. */
const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/

/**
 * The rows of the file in their order. Numbers of CSV are the texts that stand there; of Parquet those of the
 * double that a number is.
 *
 * @throws MODEL_CHECK_UNREADABLE when it is no such file, or has not all columns
 */
export async function* readOwnerRows(
  connection: DuckDBConnection,
  { path, columns, areInOrder, scoreColumn }: OwnerFile,
): AsyncGenerator<OwnerRow> {
  const refuse = (reason: string) => new VigiaError('MODEL_CHECK_UNREADABLE', { path, reason })
  try {
    const { source, types } = await describe(connection, path)
    const found = findColumns([...types.keys()], { path, columns, areInOrder, scoreColumn })
    const selection = found.map((name) =>
      NUMBERS.test(types.get(name)!)
        ? `${sqlIdentifier(name)}::DOUBLE::VARCHAR`
        : `${sqlIdentifier(name)}::VARCHAR`,
    )
    const result = await connection.stream(`SELECT ${selection.join(', ')} FROM ${source}`)
    for (let row = 1; ; ) {
      const chunk = await result.fetchChunk()
      if (!chunk || chunk.rowCount === 0) return
      for (const [score, ...cells] of chunk.getRows() as (string | null)[][])
        yield { row: row++, score: score ?? null, cells }
    }
  } catch (error) {
    if (error instanceof VigiaError) throw error
    throw refuse((error as Error).message.replace(/\s+/g, ' ').slice(0, 400))
  }
}

/** What DuckDB reads the file with, and the types of its columns by their names. */
const describe = async (connection: DuckDBConnection, path: string) => {
  const typesOf = async (source: string): Promise<ReadonlyMap<string, string>> => {
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)
    return new Map(described.getRows().map(([name, type]) => [String(name), String(type)]))
  }
  if (/\.parquet$/i.test(path)) {
    const source = `read_parquet(${sqlLiteral(path)})`
    return { source, types: await typesOf(source) }
  }
  const csv = (more: string) =>
    `read_csv(${sqlLiteral(path)}, header=true, all_varchar=true, null_padding=false${more})`
  const types = await typesOf(csv(''))
  const [only = ''] = types.keys()
  // Lines of different lengths are taken for lines of one column; told what divides them, it names the line.
  const delimiter = types.size === 1 ? [',', ';', '\t', '|'].find((sign) => only.includes(sign)) : undefined
  if (delimiter === undefined) return { source: csv(''), types }
  const source = csv(`, delim=${sqlLiteral(delimiter)}`)
  const divided = await typesOf(source).catch(() => {
    const reason = `some of its lines have more or fewer values than its header has names, divided by ${JSON.stringify(delimiter)}`
    throw new VigiaError('MODEL_CHECK_UNREADABLE', { path, reason })
  })
  return { source, types: divided }
}

/**
 * The column of the score and those of the features. DuckDB calls the second of two columns of one name, in
 * whatever case, by the name with _1 behind it.
 *
 * @throws MODEL_CHECK_UNREADABLE
 */
const findColumns = (
  names: readonly string[],
  { path, columns, areInOrder, scoreColumn }: OwnerFile,
): readonly string[] => {
  const refuse = (reason: string) => new VigiaError('MODEL_CHECK_UNREADABLE', { path, reason })
  const find = (name: string): string | undefined => {
    const second = names.find((one) => one === `${name}_1`)
    if (names.includes(name)) {
      if (second === undefined || columns.some((called) => called.includes(second))) return name
      throw refuse(`two of its columns are called ${name}`)
    }
    const isOfOtherCase = names.some((one) => one.toLowerCase() === name.toLowerCase())
    return isOfOtherCase ? second : undefined
  }
  const others = names.filter((name) => name !== scoreColumn)
  let found = columns.map((called) => called.map(find).find((name) => name !== undefined))
  if (areInOrder && found.includes(undefined) && others.length === columns.length) found = [...others]
  const score = find(scoreColumn)
  const lacking = [
    ...(score === undefined ? [scoreColumn] : []),
    ...columns.filter((_, at) => found[at] === undefined).map(([name]) => name),
  ]
  if (lacking.length === 0) return [score!, ...(found as string[])]
  const shown = (list: readonly unknown[]): string =>
    `${list.slice(0, 20).join(', ')}${list.length > 20 ? ` and ${list.length - 20} more` : ''}`
  throw refuse(`it has no column ${shown(lacking)}; its columns: ${shown(names)}`)
}
