import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readAmountRules } from '../../config/read-amount-rules.ts'
import { exportLog } from '../../decisions/log/export-log.ts'
import { assertFolders, logIncomplete } from '../../decisions/log/logged-entries.ts'
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import { logFolders, type TrainingContext } from './training-context.ts'

/** Name of the step, and of its folder in the run. */
export const LOG_STEP = 'log'

/** The step's files: transactions, labels, what counts for more or less than one, and what is in them. */
export const LOG_FILES = {
  transactions: 'transactions.jsonl',
  labels: 'labels.jsonl',
  marks: 'marks.jsonl',
  log: 'log.json',
} as const

/** Segments and Parquet files of a log; what else lies in its folder says nothing of transactions. */
const RECORDS = /(^|[\\/])\d{12}\.\w+$|\.parquet$/

/**
 * A service's own logs -> `transactions.jsonl` + `labels.jsonl` + `marks.jsonl` (decisions that were flagged
 * or drawn) + `log.json` (the counts). Only where `source.path` is `vigia-log://FOLDER`, or a list of such.
 */
export const logStep = (context: TrainingContext): Step => {
  const { config, workingDirectory } = context
  const folders = logFolders(context).map((folder) => resolve(workingDirectory, folder))
  return {
    name: LOG_STEP,
    activity: 'reading the log',
    inputs: [],
    settings: { amounts: readAmountRules(config.settings) },
    module: import.meta.url,
    sources: async () => {
      await assertFolders(folders)
      const found = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true })))
      return found.flatMap((names, at) =>
        names
          .filter((name) => RECORDS.test(name))
          .sort()
          .map((name) => join(folders[at]!, name)),
      )
    },
    run: async (work) => {
      const exported = await exportLog({
        folders,
        openLog: context.readLog,
        workFolder: work.output('.'),
        work,
        amounts: readAmountRules(config.settings),
        transactions: work.output(LOG_FILES.transactions),
        labels: work.output(LOG_FILES.labels),
        marks: work.output(LOG_FILES.marks),
      })
      if (exported.transactions === 0) throw logIncomplete(folders, 'nothing was decided')
      await writeJson(work.output(LOG_FILES.log), exported)
    },
  }
}
