import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import {
  type ListedBackup,
  listBackups,
  type RemovedBackups,
  removeOldBackups,
} from '../../backup/kept-backups.ts'
import { makeStagingFolder } from '../../backup/staging-folder.ts'
import { type TakenBackup, takeBackup } from '../../backup/take-backup.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import type { FolderOwner } from '../../disk/folder-lock.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { BackupSource } from '../../ports/backup-source.ts'
import type { BackupTarget } from '../../ports/backup-target.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { print, workIn } from './state-action.ts'

/** What the commands need of the composition root. */
export interface BackupTools {
  readonly version: string
  readonly owner: FolderOwner
  readonly world: Pick<World, 'now' | 'newId'>
  readonly backupSource: BackupSource
  readonly openBackupTarget: (
    target: string,
    environment: CommandContext['environment'],
    workingDirectory: string,
  ) => BackupTarget
}

/** `vigia backup`: what a service keeps, copied to another place. */
export const backupCommand = (tools: BackupTools): Command => ({
  name: 'backup',
  summary: 'copy states, log and archive of a running server to a folder or an S3 bucket',
  description:
    'Copies what a server keeps, while it goes on deciding: the log up to a record, the states as they were at one moment before it, the archive, what the log says of its models, and the states that it began with. Nothing in the copy is later than that record, and nothing before it is missing. What the target has already is not copied again; every new part is read back and compared by SHA-256. The manifest comes last: interrupted, the command leaves the earlier backups as they are, and what it has copied is not copied again. Each backup is whole by itself, under the time at which it was begun. Run it beside the server, on the same machine and as the same user. Of a server whose states are in Redis the log is copied, from which `vigia state restore` brings them back. For s3:// the environment has AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and AWS_ENDPOINT_URL for a store other than Amazon S3. Models, configuration and keys are not part of it.',
  options: [
    { flags: '--to <target>', description: 'folder, or s3://bucket/prefix', required: true },
    {
      flags: '--keep <count>',
      description: 'afterwards remove all backups of the target but the latest so many',
      type: 'integer',
    },
    {
      flags: '--verify',
      description:
        'read the whole backup back, not only what is new; parts that were damaged in the target are put again',
    },
    { flags: '--list', description: 'only name the backups that the target has' },
    {
      flags: '--work <folder>',
      description: 'folder with room for a copy of the states and segments; otherwise that of the system',
    },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia backup --to /mnt/backups', explanation: 'The server of this folder.' },
    {
      command: 'vigia backup --to s3://bank-backups/vigia --keep 30',
      explanation: 'In a bucket, once a day, for a month.',
    },
    { command: 'vigia backup --to /mnt/backups --list', explanation: 'What can be restored.' },
  ],
  run: async (context, input) => {
    const { settings } = await readServingConfig(context, input)
    const to = String(input.options['to'])
    const target = tools.openBackupTarget(to, context.environment, context.workingDirectory)
    if (input.options['list'] === true) return list(context, target)
    return backUp(context, input, settings, target, tools)
  },
})

const backUp = async (
  context: CommandContext,
  input: CommandInput,
  settings: ServingSettings,
  target: BackupTarget,
  tools: BackupTools,
): Promise<ExitCode> => {
  const { workingDirectory } = context
  const { keep, work = tmpdir(), verify } = input.options
  if (keep !== undefined && Number(keep) < 1)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'backup',
      reason: `--keep is ${keep}; allowed: 1 or more`,
    })
  const { prediction_log, state_store } = settings
  const log = resolve(workingDirectory, prediction_log.path)
  await assertFolders([log])
  const workFolder = await makeStagingFolder(resolve(workingDirectory, String(work)), tools.owner)
  try {
    const taken = await takeBackup({
      target,
      source: tools.backupSource,
      log,
      isVerifying: verify === true,
      states: state_store.kind === 'lmdb' ? resolve(workingDirectory, state_store.path) : undefined,
      workFolder,
      version: tools.version,
      world: tools.world,
      work: workIn(context, workFolder),
    })
    const removed = keep === undefined ? undefined : await removeOldBackups(target, Number(keep))
    const { manifest, verifiedBytes, healedParts, ...figures } = taken
    const verified = verify === true ? { verifiedBytes, healedParts } : {}
    const { files, ...about } = manifest
    print(context, { ...about, files: files.length, ...figures, ...verified, removed }, [
      ...linesOf(taken, target),
      ...(verify === true ? [`verified   ${verifiedBytes} bytes were read back`] : []),
      ...(healedParts > 0 ? [`healed     ${healedParts} parts that were damaged in the target`] : []),
      ...(removed === undefined ? [] : removedLines(removed)),
    ])
    return 0
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

const removedLines = ({ backups, parts, bytes, unreadable }: RemovedBackups): string[] => [
  `removed    ${backups.length} backups, ${parts} parts of ${bytes} bytes`,
  ...(unreadable.length === 0
    ? []
    : [
        `all parts  stay: nobody knows which are those of ${unreadable.join(', ')}, whose manifest cannot be read. Remove backups/<name>.json of the target to give it up`,
      ]),
]

const linesOf = ({ manifest, copiedParts, copiedBytes, keptBytes }: TakenBackup, target: BackupTarget) => [
  `backup     ${manifest.name} in ${target.name}`,
  `has        the log up to record ${manifest.lastSequence}${
    manifest.kind === 'owned' ? ', and states' : '; the states are in no folder of this server'
  }`,
  `copied     ${copiedParts} parts of ${copiedBytes} bytes; ${keptBytes} bytes were there already`,
  ...(manifest.origin === 'missing'
    ? [
        'lacks      the states that the log began with, which vigia parity begins from: they are not where it says',
      ]
    : []),
]

const list = async (context: CommandContext, target: BackupTarget): Promise<ExitCode> => {
  const listed = await listBackups(target)
  const json = listed.map((backup) => {
    if ('problem' in backup) return backup
    const { files, ...about } = backup.manifest
    return { ...about, files: files.length, bytes: bytesOf(backup.manifest) }
  })
  print(context, json, listed.length === 0 ? [`no backups in ${target.name}`] : listed.map(lineOf))
  return listed.some((backup) => 'problem' in backup) ? 1 : 0
}

const lineOf = (backup: ListedBackup): string =>
  'problem' in backup
    ? `${backup.name}  ${backup.problem}`
    : `${backup.name}  the log up to record ${backup.manifest.lastSequence}${
        backup.manifest.kind === 'owned' ? ', and states' : ''
      }: ${backup.manifest.files.length} files of ${bytesOf(backup.manifest)} bytes`

const bytesOf = ({ files }: { readonly files: readonly { readonly bytes: number }[] }): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0)
