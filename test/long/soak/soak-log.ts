import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { sqlLiteral, withDatabase } from '../../../src/disk/database.ts'
import { parquetFiles } from '../../integration/served-log.ts'
import { databaseIn } from '../../parity/replay-run.ts'

/** What a log has of a soak, all of it saved as Parquet, beside what clients were told. */
export interface LoggedSoak {
  readonly decisions: number
  readonly transactions: number
  /** Labels that somebody told, one for each transaction that has any. */
  readonly told: number
  /** Labels that the server delivered by itself. */
  readonly delivered: number
  /** Answers whose transaction does not stand in the log under the number that was answered. */
  readonly lost: number
  /** Numbers of the order that nobody has, and that two records have. */
  readonly missing: number
  readonly doubled: number
}

/** @param acknowledged number in the log of each answered transaction, by its number; 0: not answered */
export const readSoakLog = async (
  folder: string,
  log: string,
  acknowledged: Float64Array,
): Promise<LoggedSoak> => {
  const file = join(folder, 'acknowledged.csv')
  const csv = createWriteStream(file)
  csv.write('transaction_id,sequence\n')
  for (let n = 0; n < acknowledged.length; n++)
    if (acknowledged[n]! > 0 && !csv.write(`soak-${n},${acknowledged[n]}\n`)) await once(csv, 'drain')
  csv.end()
  await finished(csv)
  const tableOf = (kind: string): string =>
    `read_parquet([${parquetFiles(join(log, kind)).map(sqlLiteral).join(', ')}], union_by_name = true)`
  const counts = `
    WITH decisions AS (SELECT sequence, transaction_id FROM ${tableOf('predictions')}),
         labels AS (SELECT sequence, transaction_id, origin FROM ${tableOf('labels')}),
         numbers AS (SELECT sequence FROM decisions UNION ALL SELECT sequence FROM labels),
         answers AS (SELECT * FROM read_csv(${sqlLiteral(file)}, header = true))
    SELECT (SELECT count(*) FROM decisions)::DOUBLE,
           (SELECT count(DISTINCT transaction_id) FROM decisions)::DOUBLE,
           (SELECT count(DISTINCT transaction_id) FROM labels WHERE origin IS NULL)::DOUBLE,
           (SELECT count(*) FROM labels WHERE origin = 'delay')::DOUBLE,
           (SELECT count(*) FROM answers ANTI JOIN decisions USING (transaction_id, sequence))::DOUBLE,
           (SELECT max(sequence) - count(DISTINCT sequence) FROM numbers)::DOUBLE,
           (SELECT count(*) - count(DISTINCT sequence) FROM numbers)::DOUBLE`
  return withDatabase(databaseIn(folder), async (connection) => {
    const [row = []] = (await connection.runAndReadAll(counts)).getRows()
    const [decisions, transactions, told, delivered, lost, missing, doubled] = row as number[]
    return {
      decisions: decisions!,
      transactions: transactions!,
      told: told!,
      delivered: delivered!,
      lost: lost!,
      missing: missing!,
      doubled: doubled!,
    }
  })
}
