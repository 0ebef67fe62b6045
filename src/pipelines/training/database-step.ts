import { isDatabaseAddress } from '../../config/database-address.ts'
import { databaseOfSource } from '../../dataset/source-of-copy.ts'
import { writeJson } from '../../disk/json-file.ts'
import { VigiaError } from '../../errors.ts'
import type { BankDatabase } from '../../ports/bank-database.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/** Name of the step, and of its folder in the run. */
export const DATABASE_STEP = 'database'

/** The step's files: the rows as they were copied, and what is in them (`CopiedTable`). */
export const DATABASE_FILES = { rows: 'transactions.csv', copied: 'database.json' } as const

/** Whether the transactions come from a database. */
export const usesDatabase = ({ config }: Pick<TrainingContext, 'config'>): boolean =>
  [config.settings.source.path].flat().some(isDatabaseAddress)

/**
 * A table or a query of a database -> `transactions.csv` + `database.json` (the counts), as of one instant.
 * Only where `source.path` is an address of a database.
 *
 * It runs again when anything was committed to the server since; the steps after it only when the rows are
 * other ones.
 */
export const databaseStep = ({ config, environment, openDatabase }: TrainingContext): Step => {
  const { address, request } = databaseOfSource(config.settings.source)
  const withOpen = async <T>(work: (database: BankDatabase) => Promise<T>): Promise<T> => {
    if (openDatabase === undefined)
      throw new VigiaError('DATASET_SETTING_INVALID', {
        setting: 'source.path',
        got: address.name,
        allowed: 'files, where nothing that connects to a database is handed in',
      })
    const database = await openDatabase(address, environment)
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  }
  return {
    name: DATABASE_STEP,
    activity: 'reading the database',
    inputs: [],
    settings: { database: request },
    identities: async () => ({
      'state of the database': `${address.name} ${await withOpen((database) => database.stateOfData())}`,
    }),
    module: import.meta.url,
    run: async (work) => {
      work.reportProgress({ activity: 'reading the database', done: 0, unit: 'rows' })
      const copied = await withOpen((database) =>
        database.copyRows(request, work.output(DATABASE_FILES.rows), work.signal),
      )
      await writeJson(work.output(DATABASE_FILES.copied), copied)
    },
  }
}
