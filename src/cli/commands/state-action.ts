import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { OpenStates } from '../../decisions/decisions.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { CommandContext } from '../command.ts'

/* What the actions of `vigia state` share. */

/** Prints what an action came to: as JSON, or as lines. */
export const print = (context: CommandContext, json: unknown, lines: readonly string[]): void =>
  context.stdout.write(context.json ? `${JSON.stringify(json, null, 2)}\n` : `${lines.join('\n')}\n`)

/** Work whose database spills beside what it writes. */
export const workIn = ({ work }: CommandContext, folder: string): Work => ({
  ...work,
  database: { threads: availableParallelism(), memoryLimit: '2GB', tempDirectory: join(folder, '.spill') },
})

/** Decisions that were answered and stand in no log yet would be forgotten with the states. */
export const assertNoOutbox = async ({
  store,
  name,
}: Extract<OpenStates, { kind: 'shared' }>): Promise<void> => {
  const waiting = await store.takeEntries(1000, 1)
  if (waiting.length > 0)
    throw new VigiaError('SERVING_OUTBOX_NOT_EMPTY', { store: name, records: waiting.length })
}

/**
 * Refuses to look at states in a folder that has none, which opening it would make.
 *
 * @throws SERVING_STATES_NONE
 */
export const assertStates = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch(() => undefined)
  if (names?.includes('data.mdb') === true) return
  const got =
    names === undefined
      ? 'there is no such folder'
      : `it has ${names.join(', ') || 'nothing'}, and no data.mdb`
  throw new VigiaError('SERVING_STATES_NONE', { folder, got })
}
