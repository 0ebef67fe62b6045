import { splitDataset } from '../../dataset/split/split-dataset.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import { LOG_FILES, LOG_STEP } from './log-step.ts'
import { logFolders, type TrainingContext } from './training-context.ts'

/**
 * Prepared rows -> `split.parquet` (arrival, part; of a service's log also weight) + `split.json`: how many
 * rows, frauds and warnings each part has.
 */
export const splitStep = (context: TrainingContext): Step => {
  const { config } = context
  const isLog = logFolders(context).length > 0
  return {
    name: 'split',
    activity: 'splitting rows',
    inputs: ['read', ...(isLog ? [LOG_STEP] : [])],
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
          isLog ? input(LOG_STEP, LOG_FILES.marks) : undefined,
        ),
      )
      await writeJson(output('split.json'), report)
    },
  }
}
