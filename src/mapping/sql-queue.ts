import type { RowTexts, SqlMapping, SqlRow } from './sql-mapping.ts'

/** Rows of one statement at most. */
const MOST_ROWS = 256

interface Waiting {
  readonly texts: RowTexts
  resolve(row: SqlRow): void
  reject(error: unknown): void
}

/**
 * Rows of concurrent requests in common statements: while one runs, the rows that come wait for the next,
 * which takes all of them. A row that makes a statement fail takes no other row with it: it is looked for by
 * halves.
 */
export class SqlQueue {
  private readonly mapping: SqlMapping
  private waiting: Waiting[] = []
  private isRunning = false
  private isClosed = false

  constructor(mapping: SqlMapping) {
    this.mapping = mapping
  }

  /** @throws what DuckDB says of a row that it cannot map */
  map(texts: RowTexts): Promise<SqlRow> {
    const answer = new Promise<SqlRow>((resolve, reject) => {
      this.waiting.push({ texts, resolve, reject })
    })
    if (!this.isRunning) {
      this.isRunning = true
      // Rows of this turn of the event loop go together.
      queueMicrotask(() => void this.work())
    }
    return answer
  }

  /** Answers what waits, then closes. */
  close(): void {
    this.isClosed = true
    if (!this.isRunning) this.mapping.close()
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      const rows = this.waiting.splice(0, MOST_ROWS)
      await this.answer(rows)
    }
    this.isRunning = false
    if (this.isClosed) this.mapping.close()
  }

  private async answer(rows: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.mapping.run(rows.map(({ texts }) => texts))
      if (answers.length !== rows.length)
        throw new Error(`${answers.length} of ${rows.length} rows came back`)
      for (const [index, { resolve }] of rows.entries()) resolve(answers[index]!)
    } catch (error) {
      if (rows.length === 1) return rows[0]!.reject(error)
      const half = rows.length >> 1
      await this.answer(rows.slice(0, half))
      await this.answer(rows.slice(half))
    }
  }
}
