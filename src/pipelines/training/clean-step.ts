import { applyCleaning, fitCleaning } from '../../dataset/cleaning.ts'
import type { ReadResult } from '../../dataset/read-source.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/**
 * Prepared rows -> `cleaned.parquet`, the same rows in the same order, with the labels that the end of the
 * data knows + `cleaning.json`, what was fitted on training rows.
 */
export const cleanStep = ({ config }: TrainingContext): Step => ({
  name: 'clean',
  activity: 'cleaning transactions',
  inputs: ['read', 'split'],
  settings: {
    cleaning: config.declared.cleaning,
    ...(config.settings.labels.unlabelled !== undefined && { labels: config.declared.labels }),
  },
  module: import.meta.url,
  run: async ({ input, output, database }) => {
    const prepared = input('read', 'prepared.parquet')
    const { attributes, amounts } = await readJson<ReadResult>(input('read', 'read.json'))
    const { cleaning, labels } = config.settings
    const training = trainingRows(input('split', 'split.parquet'))
    await withDatabase(database, async (connection) => {
      const fitted = await fitCleaning(connection, prepared, training, cleaning, attributes, amounts)
      await applyCleaning(connection, prepared, output('cleaned.parquet'), fitted, [], labels)
      await writeJson(output('cleaning.json'), fitted)
    })
  },
})

/** Condition over the prepared columns that holds for the training rows only. */
export const trainingRows = (splitPath: string): string =>
  `arrival IN (SELECT arrival FROM read_parquet(${sqlLiteral(splitPath)}) WHERE part = 'train')`
