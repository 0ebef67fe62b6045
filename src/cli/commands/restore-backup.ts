import { relative, resolve } from 'node:path'
import { type RestoredBackup, restoreBackup } from '../../backup/restore-backup.ts'
import { loadServingConfig } from '../../config/config-manager.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { Command } from '../command.ts'
import type { BackupTools } from './backup.ts'
import { print } from './state-action.ts'

export type RestoreTools = Pick<BackupTools, 'openBackupTarget' | 'world'> & {
  readonly storage: Pick<ServingStorage, 'openStates'>
}

/** `vigia restore`: a backup becomes what a server starts on. */
export const restoreCommand = ({ openBackupTarget, storage, world }: RestoreTools): Command => ({
  name: 'restore',
  summary: 'write a backup to an empty folder, from which a server starts',
  description:
    'Writes the log, the states and what belongs to them to a new or empty folder, and compares every byte by SHA-256; a damaged part is named, and nothing is left of the restore. Predictions that the backup has keep their ids and answers. Those to come have ids of a new name, because the original has given the numbers after the backup to other decisions, and may still run: two servers never give one id twice. Of a server whose states are in Redis the log is restored, and `vigia state restore` brings the states back from it.',
  options: [
    { flags: '--from <target>', description: 'folder, or s3://bucket/prefix', required: true },
    { flags: '--to <folder>', description: 'new or empty folder', required: true },
    {
      flags: '--at <name>',
      description: 'a backup by its name (`vigia backup --list`); otherwise the latest',
    },
  ],
  examples: [
    {
      command: 'vigia restore --from /mnt/backups --to restored',
      explanation: 'The latest backup; it says how to start a server on it.',
    },
    {
      command: 'vigia restore --from s3://bank-backups/vigia --to restored --at 2026-11-29T07-05-33-120Z',
      explanation: 'An earlier one, from a bucket.',
    },
  ],
  run: async (context, input) => {
    const { workingDirectory, environment, work } = context
    const { from, to, at } = input.options
    const restored = await restoreBackup({
      target: openBackupTarget(String(from), environment, workingDirectory),
      at: typeof at === 'string' ? at : undefined,
      to: resolve(workingDirectory, String(to)),
      openStates: async (folder) => (await storage.openStates(statesIn(folder, workingDirectory))).store,
      world,
      work,
    })
    const { files, ...about } = restored.manifest
    print(
      context,
      {
        ...about,
        files: files.length,
        log: restored.log,
        states: restored.states,
        newName: restored.logName,
      },
      linesOf(restored, (path) => relative(workingDirectory, path) || '.'),
    )
    return 0
  },
})

/** Settings of a folder of states, whatever the configuration says of others. */
const statesIn = (path: string, workingDirectory: string): Parameters<ServingStorage['openStates']>[0] => {
  const assignments = ['state_store.kind=lmdb']
  const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory })
  return { ...settings.state_store, path }
}

const linesOf = ({ manifest, log, states, logName }: RestoredBackup, shown: (path: string) => string) => [
  `restored   ${manifest.name}: ${manifest.files.length} files, the log up to record ${manifest.lastSequence}`,
  `log        ${shown(log)}`,
  ...(states === undefined
    ? ['states     none: they are in Redis']
    : [`states     ${shown(states)}; predictions to come are named ${logName}-…`]),
  states === undefined
    ? `next       vigia state restore --log ${shown(log)} …, with the logs of all servers`
    : `next       vigia serve --set prediction_log.path=${shown(log)} --set state_store.path=${shown(states)}`,
]
