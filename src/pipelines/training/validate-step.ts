import { join } from 'node:path'
import type { ReadResult } from '../../dataset/read-source.ts'
import { validateDataset } from '../../dataset/validate-dataset.ts'
import type { ValidationReport } from '../../dataset/validation-report.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { VigiaError } from '../../errors.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/**
 * Prepared rows + counts of reading -> `validation.json`. The run stops here when a check fails that must
 * not.
 */
export const validateStep = ({ config, folder }: TrainingContext): Step => ({
  name: 'validate',
  activity: 'validating the data',
  inputs: ['read'],
  settings: {
    validation: config.declared.validation,
    windows: config.declared.features.windows,
    ...(config.settings.labels.unlabelled !== undefined && { labels: config.declared.labels }),
  },
  module: import.meta.url,
  run: async ({ input, output, database }) => {
    const read = await readJson<ReadResult>(input('read', 'read.json'))
    const report = await withDatabase(database, (connection) =>
      validateDataset(
        connection,
        input('read', 'prepared.parquet'),
        read,
        config.settings.validation,
        config.settings.features.windows,
        config.settings.labels.unlabelled,
      ),
    )
    await writeJson(output('validation.json'), report)
  },
  check: async (output) => {
    const report = await readJson<ValidationReport>(output('validation.json'))
    if (report.verdict !== 'failed') return
    const failed = report.checks.filter((check) => !check.passed && isFatal(check.severity, report.failOn))
    throw new VigiaError('PIPELINE_VALIDATION_FAILED', {
      count: failed.length === 1 ? '1 check' : `${failed.length} checks`,
      checks: failed
        .map(
          (check) =>
            `${check.what} (allowed: ${check.allowed}, found: ${check.observed}${check.detail === undefined ? '' : `; ${check.detail}`})`,
        )
        .join('; '),
      report: join(folder, 'reports', 'validation.html'),
    })
  },
})

const SEVERITIES = ['info', 'warning', 'error']
const isFatal = (severity: string, least: string): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
