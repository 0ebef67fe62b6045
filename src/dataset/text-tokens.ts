import type { DuckDBVector } from '@duckdb/node-api'
import { tokenOf, tokenOfBytes } from '../transaction/token.ts'

/** Text up to this many UTF-8 bytes stands inside DuckDB's 16-byte string; longer text stands elsewhere. */
const INLINE_BYTES = 12
const STRING_BYTES = 16

/** The one thing of a VARCHAR vector that its type does not show: the 16-byte strings themselves. */
interface InlineStrings {
  readonly dataView?: DataView
}

/**
 * Writes the tokens of the first `count` texts of a VARCHAR vector to `tokens[from...]`. The empty text
 * stands for a missing value (select `coalesce(x, '')`) and gets 0.
 *
 * Short texts are hashed where DuckDB holds them: making a JavaScript string of each costs thirty times as
 * much. Without that view (another version of the library) every text takes the way of long ones, with the
 * same result.
 */
export const readTokens = (vector: DuckDBVector, count: number, tokens: Float64Array, from: number): void => {
  const { dataView } = vector as unknown as InlineStrings
  const bytes = dataView && new Uint8Array(dataView.buffer, dataView.byteOffset, dataView.byteLength)
  for (let row = 0; row < count; row++) {
    const at = row * STRING_BYTES
    const length = dataView ? dataView.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (bytes && length <= INLINE_BYTES) {
      tokens[from + row] = length === 0 ? 0 : tokenOfBytes(bytes, at + 4, at + 4 + length)
    } else {
      const text = vector.getItem(row) as string
      tokens[from + row] = text === '' ? 0 : tokenOf(text)
    }
  }
}
