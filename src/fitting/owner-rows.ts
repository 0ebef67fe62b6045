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
  const source = /\.parquet$/i.test(path)
    ? `read_parquet(${sqlLiteral(path)})`
    : `read_csv(${sqlLiteral(path)}, header=true, all_varchar=true, null_padding=false)`
  try {
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)
    const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]))
    const names = [...types.keys()]
    const others = names.filter((name) => name !== scoreColumn)
    let found = columns.map((called) => called.find((name) => types.has(name)))
    if (areInOrder && found.includes(undefined) && others.length === columns.length) found = others
    const lacking = [
      ...(types.has(scoreColumn) ? [] : [scoreColumn]),
      ...columns.filter((_, at) => found[at] === undefined).map(([name]) => name),
    ]
    if (lacking.length > 0)
      throw refuse(`it has no column ${lacking.join(', ')}; its columns: ${names.join(', ')}`)
    const selection = [scoreColumn, ...(found as string[])].map((name) =>
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
    throw refuse((error as Error).message.split('\n')[0]!)
  }
}
