import { readAmountRules } from '../../config/read-amount-rules.ts'
import { readSource } from '../../dataset/read-source.ts'
import { findSourceFiles } from '../../dataset/source-files.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import { declaredEntities, type TrainingContext, usesGeneratedData } from './training-context.ts'

/**
 * Source files -> `prepared.parquet` (rows that can be used) + `quarantine.jsonl` (the others) + `read.json`
 * (the counts).
 */
export const readStep = (context: TrainingContext): Step => {
  const { config, workingDirectory } = context
  const isGenerated = usesGeneratedData(context)
  const { path: declaredPath, ...declared } = config.declared.source
  const { path } = config.settings.source
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
      },
      amounts,
    },
    module: import.meta.url,
    ...(!isGenerated && {
      sources: ({ database }) =>
        withDatabase(database, (connection) => findSourceFiles(connection, path, workingDirectory)),
    }),
    run: async (work) => {
      const { input, output } = work
      const source = isGenerated ? { ...mapped, path: input('generate', 'transactions.parquet') } : mapped
      const outputs = {
        preparedPath: output('prepared.parquet'),
        quarantinePath: output('quarantine.jsonl'),
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

const endings = (path: string | readonly string[]): string[] =>
  (typeof path === 'string' ? [path] : path).map((name) => /(\.\w+){0,2}$/.exec(name)?.[0] ?? '')
