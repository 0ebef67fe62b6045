import { resolve } from 'node:path'
import { generateDataset } from '../../dataset/generate/generate-dataset.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'

/** Options that are short names of settings. */
const SETTING_OF_OPTION = {
  rows: 'generate.rows',
  users: 'generate.users',
  merchants: 'generate.merchants',
  days: 'generate.days',
  seed: 'generate.seed',
  fraudRate: 'generate.fraud_rate',
  drift: 'generate.drift.kind',
} as const

/** What `--disorder` sets: enough of each to meet every case, little enough to stay realistic. */
const DISORDER = [
  'generate.disorder.late_share=0.05',
  'generate.disorder.duplicate_share=0.02',
  'generate.disorder.same_second_share=0.02',
] as const

/** `vigia generate`: transactions of an invented bank, frauds included, into one file. */
export const generateCommand: Command = {
  name: 'generate',
  summary: 'generate transactions with fraud patterns',
  description:
    'Writes the transactions of an invented bank, in arrival order. The same settings and seed give the same bytes. What is in it: docs/data-generation.md.',
  options: [
    { flags: '-o, --out <file>', description: 'file to write: .parquet, .csv or .csv.gz', required: true },
    { flags: '--rows <number>', description: 'rows, met exactly', type: 'integer' },
    { flags: '--users <number>', description: 'customers', type: 'integer' },
    { flags: '--merchants <number>', description: 'merchants', type: 'integer' },
    { flags: '--days <number>', description: 'days covered', type: 'integer' },
    {
      flags: '--seed <number>',
      description: 'seed; otherwise generate.seed or project.seed',
      type: 'integer',
    },
    { flags: '--fraud-rate <share>', description: 'share of fraudulent rows', type: 'number' },
    {
      flags: '--drift <kind>',
      description: 'change the world from generate.drift.from_day on',
      choices: ['none', 'amount', 'merchants', 'concept'],
    },
    { flags: '--disorder', description: 'late, repeated and same-second events, as from a real feed' },
    { flags: '--force', description: 'replace the file if it exists' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia generate --out data/transactions.parquet', explanation: '100,000 rows of 120 days.' },
    {
      command: 'vigia generate --out data/big.parquet --rows 10000000 --users 100000 --merchants 10000',
      explanation: 'Ten million rows; memory does not grow with the rows.',
    },
    {
      command: 'vigia generate --out data/drifted.csv.gz --drift concept --seed 7',
      explanation: 'Fraudsters change their method half way through.',
    },
  ],
  run: async (context, input) => {
    const { settings } = await readTrainingConfig(context, withSettings(input))
    const { generate, project, resources } = settings
    const result = await generateDataset({
      settings: generate,
      seed: generate.seed ?? project.seed,
      out: resolve(context.workingDirectory, String(input.options['out'])),
      overwrite: input.options['force'] === true,
      work: workOf(context, resources),
    })
    report(context, result, generate.days)
    return 0
  },
}

/**
 * The short options as `--set` arguments, after those given: validated, and named in errors, like every
 * setting.
 */
const withSettings = (input: CommandInput): CommandInput => {
  const given = input.options['set']
  const assignments = Array.isArray(given) ? [...given] : []
  if (input.options['disorder'] === true) assignments.unshift(...DISORDER)
  for (const [option, setting] of Object.entries(SETTING_OF_OPTION)) {
    const value = input.options[option]
    if (value !== undefined) assignments.push(`${setting}=${value}`)
  }
  return { ...input, options: { ...input.options, set: assignments } }
}

const report = (
  { stdout, json }: CommandContext,
  result: Awaited<ReturnType<typeof generateDataset>>,
  days: number,
): void => {
  if (json) {
    stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  const number = (value: number): string => value.toLocaleString('en-US')
  const repeated = result.duplicates > 0 ? `, ${number(result.duplicates)} of them sent twice` : ''
  stdout.write(
    `${result.out}: ${number(result.rows)} rows of ${number(days)} days, ${number(result.frauds)} frauds${repeated}\n`,
  )
}
