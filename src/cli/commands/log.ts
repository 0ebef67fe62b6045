import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { WriteSegment } from '../../backup/recover-log.ts'
import { type VerifiedLog, verifyLog } from '../../backup/verify-log.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import { gapsText, type HeldNumbers, LOST, readHeld, rememberLost } from '../../decisions/log/log-gaps.ts'
import { assertLogs } from '../../decisions/log/log-signs.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { type NumberRange, parseRanges, rangesText } from '../../decisions/log/number-ranges.ts'
import { VigiaError } from '../../errors.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { recover } from './log-recover.ts'
import { print, workIn } from './state-action.ts'

/** What the command needs of the composition root. */
export interface LogTools {
  readonly storage: Pick<ServingStorage, 'readLog' | 'openLog' | 'openStates'>
  readonly writeSegment: WriteSegment
}

/** `vigia log`: the log that serving writes. */
export const logCommand = (tools: LogTools): Command => ({
  name: 'log',
  summary: 'verify the prediction log, recover what its archive has, or accept what is lost for good',
  description:
    'verify reads every segment and every Parquet file of the log: check sums, the order of records, numbers that no file has, numbers and transactions that came twice. It says what it read, and each fault with file and place; the server may go on meanwhile. Exit code 1: something is wrong. recover brings records back from the archive that segments lack: after the end of the log, and those that states of `lmdb` need (of the server of the configuration, without --log). Exit code 1: some are lost. accept writes down numbers that are lost for good, so that a server starts without them; stop it first, for recover too. States keep what they have of them; `vigia parity` counts them as missing.',
  arguments: [
    { name: '<action>', description: 'what to do', choices: ['verify', 'recover', 'accept'] },
    { name: '[numbers]', description: 'for accept: 104-105,200' },
  ],
  options: [
    {
      flags: '-l, --log <folder>',
      description: 'folder of a log (may be repeated); otherwise prediction_log.path',
      repeatable: true,
    },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia log verify', explanation: 'The log of the server of this folder.' },
    {
      command: 'vigia log recover',
      explanation: 'After a power failure: the archive goes further than the log.',
    },
    {
      command: 'vigia log accept 104-105',
      explanation: 'Decisions 104 and 105 are lost, and nothing will bring them back.',
    },
  ],
  run: async (context, input) => {
    const { settings } = await readServingConfig(context, input)
    const logs = input.options['log']
    const folders =
      Array.isArray(logs) && logs.length > 0
        ? logs.map((folder) => resolve(context.workingDirectory, String(folder)))
        : [resolve(context.workingDirectory, settings.prediction_log.path)]
    await assertFolders(folders)
    await assertLogs(folders)
    const workFolder = await mkdtemp(join(tmpdir(), 'vigia-log-'))
    try {
      const { storage } = tools
      if (input.arguments[0] === 'accept')
        return await accept({ context, input, settings, folders, storage, workFolder })
      assertNoNumbers(input)
      if (input.arguments[0] === 'recover') {
        if (folders.length > 1)
          throw new VigiaError('CLI_INVALID_ARGUMENT', {
            command: 'log',
            reason: 'recover is for one log: name one --log',
          })
        const isOwn = !Array.isArray(logs) || logs.length === 0
        return await recover({ context, settings, folder: folders[0]!, isOwn, tools, workFolder })
      }
      const verified: VerifiedLog[] = []
      for (const folder of folders)
        verified.push(
          await verifyLog({
            folder,
            log: storage.readLog(folder),
            workFolder,
            work: workIn(context, workFolder),
          }),
        )
      print(context, verified, verified.flatMap(linesOf))
      return verified.every(({ isWhole }) => isWhole) ? 0 : 1
    } finally {
      await rm(workFolder, { recursive: true, force: true })
    }
  },
})

/** @throws CLI_INVALID_ARGUMENT */
const assertNoNumbers = ({ arguments: [action, numbers] }: CommandInput): void => {
  if (numbers === undefined) return
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'log',
    reason: `numbers are for accept, and ${action} looks at all of them: leave out "${numbers}"`,
  })
}

interface AcceptRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly folders: readonly string[]
  readonly storage: LogTools['storage']
  readonly workFolder: string
}

/** Writes down that numbers are lost; refuses those that a file has. */
const accept = async (request: AcceptRequest): Promise<ExitCode> => {
  const { context, input, settings, folders, storage, workFolder } = request
  const invalid = (reason: string) => new VigiaError('CLI_INVALID_ARGUMENT', { command: 'log', reason })
  const ranges = parseRanges(input.arguments[1] ?? '', 'log', 'numbers')
  const [folder] = folders
  if (ranges.length === 0) throw invalid('accept needs numbers, for instance 104-105,200')
  if (folder === undefined || folders.length > 1) throw invalid('accept is for one log: name one --log')
  const log = await storage.openLog({ ...settings.prediction_log, path: folder })
  try {
    const { database } = workIn(context, workFolder)
    const { held, lost } = await readHeld({ log, folder, database })
    const last = held.reduce((highest, range) => Math.max(highest, range.last), log.lastSequence)
    assertLost(ranges, held, last, folder)
    const accepted = ranges.map((range) => ({ ...range, reason: 'accepted' }))
    await rememberLost(log, [...lost, ...accepted])
    print(context, { folder, accepted: ranges }, [`accepted   ${rangesText(ranges)} as lost, in ${folder}`])
    return 0
  } finally {
    await log.close()
  }
}

/**
 * Makes sure that no file has one of `ranges`, and that the log has given them.
 *
 * @param last the highest number that it has given, inclusive; 0 where the log is gone whole and does not say
 * @throws SERVING_LOG_NOT_LOST
 */
const assertLost = (
  ranges: readonly NumberRange[],
  held: readonly HeldNumbers[],
  last: number,
  folder: string,
): void => {
  for (const range of ranges) {
    const refused = (reason: string) =>
      new VigiaError('SERVING_LOG_NOT_LOST', { folder, numbers: rangesText([range]), reason })
    if (last > 0 && range.last > last)
      throw refused(
        `${rangesText([{ ...range, first: Math.max(range.first, last + 1) }])} was never given, the log goes up to ${last}`,
      )
    const there = held.filter((one) => one.first <= range.last && one.last >= range.first)
    if (there.length > 0) throw refused(thereText(range, there))
  }
}

/** Files that are named. */
const MOST_HOLDERS = 5

/** Which of the numbers are there, and where. */
const thereText = (asked: NumberRange, there: readonly HeldNumbers[]): string =>
  [
    ...there.slice(0, MOST_HOLDERS).map((one) => {
      const own = { first: Math.max(asked.first, one.first), last: Math.min(asked.last, one.last) }
      return one.where === LOST
        ? `${rangesText([own])} is known to be lost already`
        : `${rangesText([own])} is not lost, ${one.where} has ${rangesText([one])}`
    }),
    ...(there.length > MOST_HOLDERS
      ? [`and ${there.length - MOST_HOLDERS} more files have numbers of it`]
      : []),
  ].join('; ')

/** Problems that are named. */
const MOST_NAMED = 20

const linesOf = (log: VerifiedLog): string[] => {
  const { archive, gaps, beyondEnd, lost, doubledNumbers, doubledTransactions, problems } = log
  const line = (word: string, text: string): string => `${word.padEnd(10)} ${text}`
  return [
    line('log', log.folder),
    line('segments', `${log.segments} with ${log.records} records${unfinishedText(log.unfinishedBytes)}`),
    line(
      'archive',
      `${archive.files} files with ${archive.records} records, ${archive.bytes} bytes${
        archive.withoutHash === 0
          ? ''
          : `; ${archive.withoutHash} of them are older than their check sums, so only their structure was read`
      }`,
    ),
    line('documents', String(log.documents)),
    line('snapshots', String(log.snapshots)),
    line(
      'numbers',
      `${beginningText(log)}up to ${Math.max(log.lastSequence, log.firstSequence - 1)}${lostText(lost)}`,
    ),
    ...problems
      .slice(0, MOST_NAMED)
      .map(({ file, offset, reason }) =>
        line('damaged', `${file}${offset === undefined ? '' : ` at byte ${offset}`}: ${reason}`),
      ),
    ...(problems.length > MOST_NAMED ? [line('', `and ${problems.length - MOST_NAMED} more`)] : []),
    ...(gaps.length === 0 ? [] : [line('missing', gapsText(gaps))]),
    ...(beyondEnd === undefined
      ? []
      : [line('behind', `the archive alone has ${rangesText([beyondEnd])}: \`vigia log recover\``)]),
    ...(doubledNumbers.length === 0
      ? []
      : [line('doubled', `numbers of two records: ${doubledNumbers.join(', ')}`)]),
    ...(doubledTransactions.length === 0
      ? []
      : [line('doubled', `transactions that were decided on twice: ${doubledTransactions.join(', ')}`)]),
    line('verdict', log.isWhole ? 'whole' : 'not whole'),
  ]
}

const beginningText = ({ firstSequence }: VerifiedLog): string =>
  firstSequence === 1 ? '' : `from ${firstSequence}, those before were removed by prediction_log.keep; `

const unfinishedText = (bytes: number): string =>
  bytes === 0 ? '' : `; ${bytes} bytes of an unfinished record at the end`

const lostText = (lost: readonly NumberRange[]): string =>
  lost.length === 0 ? '' : `; known to be lost: ${rangesText(lost)}`
