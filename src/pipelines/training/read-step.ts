import { readAmountRules } from '../../config/read-amount-rules.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { readSource } from '../../dataset/read-source.ts'
import { findSourceFiles } from '../../dataset/source-files.ts'
import { snapshotName } from '../../dataset/tables/read-table.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import { declaredEntities, type TrainingContext, usesGeneratedData } from './training-context.ts'

/**
 * Source files -> `prepared.parquet` (rows that can be used) + `quarantine.jsonl` (the others) + `read.json`
 * (the counts) + `table-<name>.parquet` (each table beside the transactions, as it was read).
 */
export const readStep = (context: TrainingContext): Step => {
  const { config, workingDirectory } = context
  const isGenerated = usesGeneratedData(context)
  const { path: declaredPath, tables: declaredTables, ...declared } = config.declared.source
  const { path, tables } = config.settings.source
  const paths = [...(isGenerated ? [] : [path]), ...Object.values(tables).map((table) => table.path)]
  const mapped = declaredEntities(context).source
  const amounts = readAmountRules(config.settings)
  return {
    name: 'read',
    activity: 'reading transactions',
    inputs: isGenerated ? ['generate'] : [],
    // Not the path: what the files hold decides, wherever they lie. Their names matter where the format hangs
    // on them.
    settings: {
      source: {
        ...declared,
        attributes: mapped.attributes,
        files: isGenerated ? [] : endings(declaredPath),
        ...(Object.keys(tables).length > 0 && { tables: withoutPaths(declaredTables) }),
      },
      amounts,
    },
    module: import.meta.url,
    ...(paths.length > 0 && {
      sources: ({ database }) =>
        withDatabase(database, async (connection) => {
          const files: string[] = []
          for (const one of paths) files.push(...(await findSourceFiles(connection, one, workingDirectory)))
          return files
        }),
    }),
    run: async (work) => {
      const { input, output } = work
      const source = isGenerated ? { ...mapped, path: input('generate', 'transactions.parquet') } : mapped
      const outputs = {
        preparedPath: output('prepared.parquet'),
        quarantinePath: output('quarantine.jsonl'),
        tablePath: (table: string) => output(snapshotName(table)),
      }
      const result = await withDatabase(work.database, (connection) =>
        readSource(connection, source, outputs, { workingDirectory, work, amounts, profile: true }),
      )
      // Where a run folder lies says nothing about its data, and would make two equal runs differ.
      const files = isGenerated ? result.files.map((file) => ({ ...file, path: 'generated' })) : result.files
      await writeJson(output('read.json'), { ...result, files })
    },
  }
}

/** As `endings`: what the files hold decides. */
const withoutPaths = (tables: TrainingSettings['source']['tables']): object =>
  Object.fromEntries(
    Object.entries(tables).map(([name, { path, ...table }]) => [name, { ...table, files: endings(path) }]),
  )

const endings = (path: string | readonly string[]): string[] =>
  (typeof path === 'string' ? [path] : path).map((name) => /(\.\w+){0,2}$/.exec(name)?.[0] ?? '')
