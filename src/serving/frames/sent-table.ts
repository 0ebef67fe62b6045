import { VigiaError } from '../../errors.ts'
import { nullForNaN } from '../bare-nan.ts'
import type { App } from '../dependencies.ts'
import type { ParseJson } from '../json-bodies.ts'

/** Media types of tables, by what their bodies are. */
export const TABLE_TYPES = {
  csv: ['text/csv'],
  parquet: ['application/vnd.apache.parquet', 'application/x-parquet', 'application/parquet'],
  lines: ['application/jsonlines', 'application/jsonl', 'application/x-ndjson', 'application/ndjson'],
} as const

/** A body that is no JSON value: a table, or a JSON value on each line. */
export class SentTable {
  readonly format: keyof typeof TABLE_TYPES
  readonly bytes: Buffer

  constructor(format: keyof typeof TABLE_TYPES, bytes: Buffer) {
    this.format = format
    this.bytes = bytes
  }
}

/** Bodies of tables are kept as their bytes, with what they are. @throws REQUEST_MEDIA_TYPE for any other */
export const addTableBodies = (app: App): void => {
  for (const format of ['csv', 'parquet', 'lines'] as const)
    app.addContentTypeParser([...TABLE_TYPES[format]], { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, new SentTable(format, body as Buffer)),
    )
  app.addContentTypeParser('*', (request, _payload, done) => {
    const got = request.headers['content-type']?.slice(0, 60) ?? 'bytes without a Content-Type'
    const allowed = ['application/json', ...Object.values(TABLE_TYPES).flat()].join(', ')
    done(new VigiaError('REQUEST_MEDIA_TYPE', { got, allowed }))
  })
}

const LINE_END = 0x0a

/** The JSON of each line that is not blank. @throws REQUEST_NOT_JSON with the number of the line */
export const readLines = (bytes: Buffer, parseJson: ParseJson): readonly unknown[] => {
  const values: unknown[] = []
  for (let from = 0, line = 1; from < bytes.length; line++) {
    const found = bytes.indexOf(LINE_END, from)
    const end = found < 0 ? bytes.length : found
    const text = bytes.subarray(from, end)
    from = end + 1
    if (/^\s*$/.test(text.toString('latin1'))) continue
    try {
      values.push(parseJson(text, nullForNaN))
    } catch (error) {
      if (!(error instanceof VigiaError)) throw error
      throw new VigiaError('REQUEST_NOT_JSON', { reason: `line ${line}: ${String(error.details['reason'])}` })
    }
  }
  return values
}
