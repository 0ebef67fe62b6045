import { DuckDBDoubleVector, type DuckDBResult, type DuckDBVector } from '@duckdb/node-api'
import { readTokens } from '../dataset/text-tokens.ts'

/** A place in a stream of chunks. Columns are read once per chunk, when first asked for. */
export class ChunkCursor {
  row = 0
  rowCount = 0
  isDone = false
  private readonly result: DuckDBResult
  private vectors: DuckDBVector[] = []
  private readonly columns: (Float64Array | undefined)[] = []

  constructor(result: DuckDBResult) {
    this.result = result
  }

  /** Makes sure that there is a row at `row`; false at the end. */
  async load(): Promise<boolean> {
    while (this.row >= this.rowCount && !this.isDone) {
      const chunk = await this.result.fetchChunk()
      if (!chunk || chunk.rowCount === 0) {
        this.isDone = true
        break
      }
      this.row = 0
      this.rowCount = chunk.rowCount
      this.vectors = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index))
      this.columns.fill(undefined)
    }
    return !this.isDone
  }

  /** Column `index` of the chunk as numbers; of text its tokens. */
  column(index: number): Float64Array {
    let column = this.columns[index]
    if (column === undefined) {
      column = readColumn(this.vectors[index]!, this.rowCount)
      this.columns[index] = column
    }
    return column
  }
}

const readColumn = (vector: DuckDBVector, rowCount: number): Float64Array => {
  if (vector instanceof DuckDBDoubleVector) {
    return (vector as unknown as { readonly items: Float64Array }).items
  }
  const tokens = new Float64Array(rowCount)
  readTokens(vector, rowCount, tokens, 0)
  return tokens
}
