import type { RedisConnection } from './redis-connection.ts'

const SCAN_COUNT = 1000

/** All keys that begin so, some at a time. */
export async function* scan(connection: RedisConnection, begin: string): AsyncGenerator<string[]> {
  let cursor = '0'
  do {
    const found = await scanFrom(connection, begin, cursor, SCAN_COUNT)
    cursor = found.cursor
    if (found.keys.length > 0) yield found.keys
  } while (cursor !== '0')
}

/** Keys that begin so, of about `count` that are looked at, and where to go on: at 0 there are no more. */
export const scanFrom = async (
  connection: RedisConnection,
  begin: string,
  from: string,
  count: number,
): Promise<{ readonly cursor: string; readonly keys: string[] }> => {
  const reply = await connection.send(['SCAN', from, 'MATCH', `${begin}*`, 'COUNT', String(count)])
  const [cursor, keys] = reply as readonly [Buffer, readonly Buffer[]]
  return { cursor: cursor.toString(), keys: keys.map(String) }
}
