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
  { path, columns, scoreColumn }: OwnerFile,
): AsyncGenerator<OwnerRow> {
  const refuse = (reason: string) => new VigiaError('MODEL_CHECK_UNREADABLE', { path, reason })
  const source = /\.parquet$/i.test(path)
    ? `read_parquet(${sqlLiteral(path)})`
    : `read_csv(${sqlLiteral(path)}, header=true, all_varchar=true, null_padding=false)`
  try {
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)
    const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]))
    const asked = [[scoreColumn], ...columns]
    const found = asked.map((names) => names.find((name) => types.has(name)))
    const lacking = asked.filter((_, at) => found[at] === undefined).map(([name]) => name)
    if (lacking.length > 0)
      throw refuse(`it has no column ${lacking.join(', ')}; its columns: ${[...types.keys()].join(', ')}`)
    const selection = found.map((name) =>
      NUMBERS.test(types.get(name!)!)
        ? `${sqlIdentifier(name!)}::DOUBLE::VARCHAR`
        : `${sqlIdentifier(name!)}::VARCHAR`,
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
