import { readAmountRules } from '../../config/read-amount-rules.ts'
import { readSource } from '../../dataset/read-source.ts'
import { contentSettings, findSourceFiles, hasLabelTable } from '../../dataset/source-files.ts'
import { snapshotName } from '../../dataset/tables/read-table.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeJson } from '../../disk/json-file.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { Step } from '../../steps/step.ts'
import { declaredEntities, type TrainingContext, usesGeneratedData } from './training-context.ts'

/** The history of labels in the folder of the step, where `source.labels` gives one. */
export const LABELS_FILE = 'labels.parquet'

/**
 * Source files -> `prepared.parquet` (rows that can be used) + `quarantine.jsonl` (the others) + `read.json`
 * (the counts) + `table-<name>.parquet` (each table beside the transactions, as it was read)
 * + `labels.parquet` and `labels-quarantine.jsonl` (what `source.labels` says, where there is any).
 */
export const readStep = (context: TrainingContext): Step => {
  const { config, workingDirectory } = context
  const isGenerated = usesGeneratedData(context)
  const { path, tables, labels } = config.settings.source
  const beside = [...Object.values(tables), ...(hasLabelTable(labels) ? [labels] : [])]
  const paths = [...(isGenerated ? [] : [path]), ...beside.map((table) => table.path)].flat()
  const { delay } = config.settings.labels
  const mapped = declaredEntities(context).source
  const amounts = readAmountRules(config.settings)
  return {
    name: 'read',
    activity: 'reading transactions',
    inputs: isGenerated ? ['generate'] : [],
    settings: {
      source: { ...contentSettings(config.declared.source, isGenerated), attributes: mapped.attributes },
      amounts,
      ...(hasLabelTable(labels) && { labels: { delay } }),
    },
    module: import.meta.url,
    ...(paths.length > 0 && {
      sources: ({ database }) =>
        withDatabase(database, (connection) => findSourceFiles(connection, paths, workingDirectory)),
    }),
    run: async (work) => {
      const { input, output } = work
      const source = isGenerated ? { ...mapped, path: input('generate', 'transactions.parquet') } : mapped
      const outputs = {
        preparedPath: output('prepared.parquet'),
        quarantinePath: output('quarantine.jsonl'),
        tablePath: (table: string) => output(snapshotName(table)),
        labelsPath: output(LABELS_FILE),
        labelQuarantinePath: output('labels-quarantine.jsonl'),
      }
      const result = await withDatabase(work.database, (connection) =>
        readSource(connection, source, outputs, {
          workingDirectory,
          work,
          amounts,
          profile: true,
          labelDelayMs: parseDuration(delay),
        }),
      )
      // Where a run folder lies says nothing about its data, and would make two equal runs differ.
      const files = isGenerated ? result.files.map((file) => ({ ...file, path: 'generated' })) : result.files
      await writeJson(output('read.json'), { ...result, files })
    },
  }
}
