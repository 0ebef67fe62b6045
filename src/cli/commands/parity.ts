import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { DrawParity } from '../../decisions/draw-parity.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import type { LookupParity } from '../../decisions/tables/compare-lookups.ts'
import { loadServedTable } from '../../decisions/tables/load-served-table.ts'
import { writeTextAtomically } from '../../disk/write-atomically.ts'
import { VigiaError } from '../../errors.ts'
import { type ModelParity, parityOfLog } from '../../pipelines/parity/parity-of-log.ts'
import { isParity } from '../../pipelines/parity/parity-report.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { freeOutput } from '../output-file.ts'

/** What the command needs of the composition root. */
export interface ParityTools {
  readonly storage: Pick<ServingStorage, 'readLog'>
}

/** Features that are named for each model. */
const MOST_NAMED = 30

/** `vigia parity`: served features against a replay of the log. */
export const parityCommand = ({ storage }: ParityTools): Command => ({
  name: 'parity',
  summary: 'replay the prediction log and compare every served feature value',
  description:
    'Computes the features of every logged decision again: from the states that the log began with, in the order logged, labels at their places. Each value is compared with the one that was served, bit for bit. Tells for each feature how many values differ and by how much, sequence numbers that are missing, and transactions or numbers that came twice. What was looked up in tables is compared with what they say now of the same times, and told: rows that came late, or a table that knows no times. The control sample is drawn again by control_sample.salt. Servers that share their states have a log each: name all of them. The report is what `vigia models promote --parity` reads. The server may go on meanwhile. Exit code 1: something differs.',
  options: [
    {
      flags: '-l, --log <folder>',
      description: 'folder of a log (may be repeated); otherwise prediction_log.path',
      repeatable: true,
    },
    {
      flags: '--states <folder>',
      description: 'states that the log began with; otherwise those that it names',
    },
    {
      flags: '--from <snapshot>',
      description:
        'begin after this record, with the snapshot of the states that the log has of it (number or folder); 0: with its first record. Otherwise with the first record, or the oldest snapshot of a log that begins later',
    },
    { flags: '-o, --out <file>', description: 'JSON report to write: of the model that decided last' },
    { flags: '--force', description: 'replace the report if it exists' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia parity', explanation: 'The log of the server of this folder.' },
    {
      command: 'vigia parity --from 120000',
      explanation: 'What came after the snapshot of record 120000.',
    },
    {
      command: 'vigia parity --log pod-a/log --log pod-b/log --out parity.json',
      explanation: 'Two servers with one Redis, and a report for the promotion.',
    },
  ],
  run: (context, input) => compareLog(context, input, storage),
})

const compareLog = async (
  context: CommandContext,
  input: CommandInput,
  storage: ParityTools['storage'],
): Promise<ExitCode> => {
  const { settings } = await readServingConfig(context, input)
  const { workingDirectory } = context
  const logs = input.options['log']
  const folders =
    Array.isArray(logs) && logs.length > 0
      ? logs.map((folder) => resolve(workingDirectory, String(folder)))
      : [settings.prediction_log.path]
  await assertFolders(folders)
  const out = typeof input.options['out'] === 'string' ? await freeOutput(context, input) : undefined
  const { states, from } = input.options
  const workFolder = out === undefined ? join(workingDirectory, '.vigia') : dirname(out)
  await mkdir(workFolder, { recursive: true })
  const database = {
    threads: availableParallelism(),
    memoryLimit: '2GB',
    tempDirectory: join(workFolder, '.parity-spill'),
  }
  const { signal } = context.work
  const compared = await parityOfLog({
    folders,
    openLog: storage.readLog,
    workFolder,
    tables: {
      settings: settings.tables,
      files: { workingDirectory, database, signal },
      load: loadServedTable,
    },
    ...(settings.control_sample.salt !== '' && { salt: settings.control_sample.salt }),
    ...(typeof from === 'string' && { from: snapshotNumber(from) }),
    ...(typeof states === 'string' && { states: resolve(workingDirectory, states) }),
    work: { ...context.work, database },
  })
  const last = compared.at(-1)
  if (last === undefined)
    throw new VigiaError('SERVING_LOG_INCOMPLETE', {
      folder: folders.join(', '),
      reason: 'nothing was decided',
    })
  if (out !== undefined) await writeTextAtomically(out, `${JSON.stringify(last.report, null, 2)}\n`)
  if (context.json) context.stdout.write(`${JSON.stringify(compared, null, 2)}\n`)
  else context.stdout.write(describe(compared))
  const isSame = ({ report, draws }: ModelParity): boolean => isParity(report) && !draws?.differing
  return compared.every(isSame) ? 0 : 1
}

/** Last record of the snapshot that an argument names. @throws CLI_INVALID_ARGUMENT */
const snapshotNumber = (text: string): number => {
  const name = basename(text)
  if (/^\d{1,16}$/.test(name)) return Number(name)
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'parity',
    reason: `--from is "${text}"; allowed: the number of a snapshot, its folder (prediction_log.path/snapshots/000000120000), or 0`,
  })
}

const describe = (compared: readonly ModelParity[]): string =>
  compared
    .flatMap(({ model, unchecked, lookups, draws, report: { rows, values, differing, missing, extra } }) => [
      `${model.name} ${model.version}: ${rows} decisions, ${values} values, ${differing.reduce((sum, { count }) => sum + count, 0)} differ`,
      ...differing
        .slice(0, MOST_NAMED)
        .map(
          ({ feature, count, largest }) =>
            `  ${feature}: ${count} values, ${largest === null ? 'missing on one side' : `at most ${largest}`}`,
        ),
      ...(differing.length > MOST_NAMED ? [`  and ${differing.length - MOST_NAMED} more features`] : []),
      ...(unchecked > 0
        ? [
            `  ${unchecked} more decisions cannot be compared: the states of their layout are known from a later record on, or lack a label that came while models decided which do not know its entities (--from a later snapshot)`,
          ]
        : []),
      ...(missing > 0 ? [`  ${missing} sequence numbers are in no log`] : []),
      ...(extra > 0
        ? [
            `  ${extra} records are too many: their transaction was decided on before, or their number is another record's`,
          ]
        : []),
      ...(lookups === undefined ? [] : lookupLines(lookups)),
      ...(draws === undefined ? [] : [drawLine(draws)]),
    ])
    .map((line) => `${line}\n`)
    .join('')

const drawLine = ({ decisions, letThrough, review, differing, example }: DrawParity): string => {
  const drawn = `  control sample: of ${decisions} decisions ${letThrough} were let through and ${review} chosen for review`
  if (differing === null) return `${drawn}; not drawn again: control_sample.salt is not set`
  if (differing === 0) return `${drawn}, as they are drawn again`
  return `${drawn}; ${differing} are drawn otherwise by control_sample.salt, such as ${example}`
}

/** Told, and no fault: a table that knows no times says otherwise whenever it changes. */
const lookupLines = ({ rows, differing, failure }: LookupParity): readonly string[] => [
  ...(failure === undefined ? [] : [`  what was looked up was not compared: ${failure}`]),
  `  looked up in tables: ${rows} decisions compared, ${differing.length === 0 ? 'none' : 'some'} with other values in the tables of now`,
  ...differing.map(
    ({ table, attribute, rows: some, example: { transactionId, served, now } }) =>
      `    ${attribute} of ${table}: ${some} decisions, such as ${transactionId}: ${served ?? 'nothing'}, now ${now ?? 'nothing'}`,
  ),
]
