import { VigiaError } from '../../errors.ts'
import { type PostgresConnection, reasonOf } from './connect-postgres.ts'

/** A name as SQL has it, quoted: `"Card ""Payments"""`. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Schema and table as SQL has them. */
export const quotedTable = (table: readonly string[]): string => table.map(quoted).join('.')

/**
 * Runs `work` in one transaction: committed when it returns, else rolled back. A connection that breaks, and
 * a signal, end it.
 *
 * @param begin `BEGIN` with the kind of transaction
 * @throws INTERRUPTED, DATABASE_FAILED with what the server said, and errors of ours that `work` throws
 */
export const inTransaction = async <T>(
  { client, name, lost }: PostgresConnection,
  { begin, activity, signal }: { begin: string; activity: string; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> => {
  // Ends whatever the connection waits for; the server rolls back what it did on it.
  const stop = (): void => {
    ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  }
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) throw new Error('aborted')
    await client.query(begin)
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity }, { cause: error })
    if (lost() === undefined) await client.query('ROLLBACK').catch(() => undefined)
    if (error instanceof VigiaError) throw error
    const { code } = error as { readonly code?: string }
    const reason = `${reasonOf(error)}${code === undefined ? '' : ` (${code})`}`
    throw new VigiaError('DATABASE_FAILED', { activity, database: name, reason }, { cause: error })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
