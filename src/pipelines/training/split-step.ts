import { splitDataset } from '../../dataset/split/split-dataset.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/**
 * Prepared rows -> `split.parquet` (arrival, part) + `split.json`: how many rows, frauds and warnings each
 * part has.
 */
export const splitStep = ({ config }: TrainingContext): Step => ({
  name: 'split',
  activity: 'splitting rows',
  inputs: ['read'],
  settings: {
    split: config.declared.split,
    labels: config.declared.labels,
    seed: config.declared.project.seed,
  },
  module: import.meta.url,
  run: async ({ input, output, database }) => {
    const { split, labels, project } = config.settings
    const report = await withDatabase(database, (connection) =>
      splitDataset(
        connection,
        input('read', 'prepared.parquet'),
        split,
        labels,
        project.seed,
        output('split.parquet'),
      ),
    )
    await writeJson(output('split.json'), report)
  },
})
