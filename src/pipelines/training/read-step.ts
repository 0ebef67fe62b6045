import { relative } from 'node:path'
import { readAmountRules } from '../../config/read-amount-rules.ts'
import type { SourceSettings } from '../../config/sections/source.ts'
import { readSource } from '../../dataset/read-source.ts'
import { contentSettings, findSourceFiles, hasLabelTable, LOG_SOURCE } from '../../dataset/source-files.ts'
import { assertAllRead, databaseOfSource, sourceOfCopy } from '../../dataset/source-of-copy.ts'
import { sourceOfLog } from '../../dataset/source-of-log.ts'
import { snapshotName } from '../../dataset/tables/read-table.ts'
import type { ExportedLog } from '../../decisions/log/export-log.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { CopiedTable } from '../../ports/bank-database.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import { DATABASE_FILES, DATABASE_STEP, usesDatabase } from './database-step.ts'
import { LOG_FILES } from './log-step.ts'
import { declaredEntities, logFolders, type TrainingContext, usesGeneratedData } from './training-context.ts'

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
  const isLog = logFolders(context).length > 0
  const isDatabase = usesDatabase(context)
  const isMade = isGenerated || isLog || isDatabase
  const { path, tables, labels } = config.settings.source
  const beside = isLog ? [] : [...Object.values(tables), ...(hasLabelTable(labels) ? [labels] : [])]
  const paths = [...(isMade ? [] : [path]), ...beside.map((table) => table.path)].flat()
  const { delay } = config.settings.labels
  const mapped = declaredEntities(context).source
  const amounts = readAmountRules(config.settings)
  return {
    name: 'read',
    activity: 'reading transactions',
    inputs: isGenerated ? ['generate'] : isLog ? ['log'] : isDatabase ? [DATABASE_STEP] : [],
    settings: {
      source: {
        ...contentSettings(config.declared.source, isMade),
        attributes: mapped.attributes,
      },
      amounts,
      ...((isLog || hasLabelTable(labels)) && { labels: { delay } }),
    },
    module: import.meta.url,
    ...(paths.length > 0 && {
      sources: ({ database }) =>
        withDatabase(database, (connection) => findSourceFiles(connection, paths, workingDirectory)),
    }),
    run: async (work) => {
      const { input, output } = work
      const source = await sourceOf(context, mapped, input)
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
      const logs = logFolders(context).map((folder) => `${LOG_SOURCE}${relative(workingDirectory, folder)}`)
      const named = isDatabase ? databaseOfSource(config.settings.source).name : logs.join(', ')
      const made = isGenerated ? 'generated' : isMade ? named : undefined
      if (isDatabase)
        assertAllRead(await readJson<CopiedTable>(input(DATABASE_STEP, DATABASE_FILES.copied)), result)
      const files = result.files.map((file) => (made === undefined ? file : { ...file, path: made }))
      await writeJson(output('read.json'), { ...result, files })
    },
  }
}

/** Where the rows are: what an earlier step has made, or as the configuration says. */
const sourceOf = async (
  context: TrainingContext,
  mapped: SourceSettings,
  input: StepWork['input'],
): Promise<SourceSettings> => {
  if (usesGeneratedData(context)) return { ...mapped, path: input('generate', 'transactions.parquet') }
  if (usesDatabase(context)) return sourceOfCopy(mapped, input(DATABASE_STEP, DATABASE_FILES.rows))
  if (logFolders(context).length === 0) return mapped
  const { names, labels } = await readJson<ExportedLog>(input('log', LOG_FILES.log))
  const files = {
    transactions: input('log', LOG_FILES.transactions),
    // None was told: a training needs some, its features do not.
    labels: labels === 0 ? undefined : input('log', LOG_FILES.labels),
  }
  return sourceOfLog(mapped, files, names)
}
