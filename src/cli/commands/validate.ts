import { join, relative, resolve } from 'node:path'
import Table from 'cli-table3'
import picocolors from 'picocolors'
import { readAmountRules } from '../../config/read-amount-rules.ts'
import { readSource } from '../../dataset/read-source.ts'
import { assertEntitiesMapped } from '../../dataset/source-entities.ts'
import { validateDataset } from '../../dataset/validate-dataset.ts'
import type { ValidationCheck, ValidationReport } from '../../dataset/validation-report.ts'
import { withDatabase } from '../../disk/database.ts'
import { writeTextAtomically } from '../../disk/write-atomically.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { parseDuration } from '../../foundation/duration.ts'
import { declaredEntities } from '../../pipelines/training/training-context.ts'
import type { Command, CommandContext } from '../command.ts'
import { workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { onOneLine } from '../plain-table.ts'

/** What the composition root hands to `vigia validate`. */
export interface ValidateTools {
  /** The report as one HTML page. */
  readonly renderReport: (report: ValidationReport) => string | Promise<string>
}

/** `vigia validate`: may this data be used? Exit code 0 yes, 1 thresholds exceeded, 2 could not run. */
export const validateCommand = (tools: ValidateTools): Command => ({
  name: 'validate',
  summary: 'check a source against the thresholds of the configuration',
  description:
    'Reads the source, sets rows aside that cannot be used, and checks the rest. Writes prepared.parquet, quarantine.jsonl, validation.json and validation.html. Exit code 0: clean, 1: thresholds exceeded, 2: could not run.',
  arguments: [
    {
      name: '[file]',
      description: 'the source, instead of source.path; columns named as the fields need no mapping',
    },
  ],
  options: [
    { flags: '-o, --out <folder>', description: 'where to write; otherwise validation in runs.directory' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    {
      command: 'vigia validate --config examples/messy-bank/training_config.yaml',
      explanation: 'A dirty export, mapped by configuration.',
    },
    { command: 'vigia validate data/transactions.parquet --json', explanation: 'The report for machines.' },
  ],
  run: async (context, input) => {
    const config = await readTrainingConfig(context, input)
    const { resources, runs, validation } = config.settings
    const amounts = readAmountRules(config.settings)
    const { source: declared, entities } = declaredEntities({ config })
    const [file] = input.arguments
    const source =
      file === undefined ? declared : { ...declared, path: resolve(context.workingDirectory, file) }
    const out = input.options['out']
    const folder =
      typeof out === 'string' ? resolve(context.workingDirectory, out) : join(runs.directory, 'validation')
    const preparedPath = join(folder, 'prepared.parquet')
    const work = workOf(context, resources)
    const report = await withDatabase(work.database, async (connection) => {
      const read = await readSource(
        connection,
        source,
        {
          preparedPath,
          quarantinePath: join(folder, 'quarantine.jsonl'),
          labelQuarantinePath: join(folder, 'labels-quarantine.jsonl'),
        },
        {
          workingDirectory: context.workingDirectory,
          work,
          amounts,
          profile: true,
          labelDelayMs: parseDuration(config.settings.labels.delay),
        },
      )
      assertEntitiesMapped(entities, read.mapping, config.settings.features.aggregates)
      return validateDataset(
        connection,
        preparedPath,
        read,
        validation,
        config.settings.features.windows,
        config.settings.labels.unlabelled,
      )
    })
    const json = canonicalJson(report)
    await writeTextAtomically(join(folder, 'validation.json'), `${json}\n`)
    await writeTextAtomically(join(folder, 'validation.html'), await tools.renderReport(report))
    context.stdout.write(context.json ? `${json}\n` : describe(report, folder, context))
    return report.verdict === 'passed' ? 0 : 1
  },
})

const describe = (report: ValidationReport, folder: string, context: CommandContext): string => {
  const colors = picocolors.createColors(context.useColor)
  const style = { head: [], border: [] }
  const checks = new Table({ head: ['', 'check', 'observed', 'allowed', 'rows'], style })
  for (const check of report.checks)
    checks.push([
      check.passed ? colors.green('ok') : colors.red(check.severity),
      check.id,
      shown(check),
      check.allowed,
      check.rows === 0 ? '' : check.rows,
    ])
  const reasons = report.read.reasons
    .map(({ what, rows, frauds }) => `  ${rows} ${what}${frauds === 0 ? '' : `, ${frauds} labelled fraud`}\n`)
    .join('')
  const details = report.checks
    .filter(({ passed, detail }) => !passed && detail !== undefined)
    .map(({ id, severity, detail }) => `${colors.red(severity)} ${id}: ${onOneLine(detail ?? '')}\n`)
    .join('')
  const { inputRows, acceptedRows, quarantinedRows } = report.read
  const verdict = report.verdict === 'passed' ? colors.green('passed') : colors.red('failed')
  return `${checks.toString()}
${details}${inputRows} rows = ${acceptedRows} accepted + ${quarantinedRows} quarantined
${reasons}${verdict}: ${relative(context.workingDirectory, join(folder, 'validation.html'))}
`
}

const shown = ({ what, observed }: ValidationCheck): string => {
  if (typeof observed !== 'number') return observed ?? ''
  return what.startsWith('share')
    ? `${Number((observed * 100).toPrecision(3))} %`
    : String(Number(observed.toPrecision(6)))
}
