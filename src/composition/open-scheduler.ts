import { setTimeout as wait } from 'node:timers/promises'
import { openFileJournal } from '../adapters/journal/file-journal.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import type { World } from '../foundation/world.ts'
import { keepScheduling } from '../scheduling/keep-scheduling.ts'
import type { ScheduleEntry } from '../scheduling/run-book.ts'
import type { ScheduledJob } from '../scheduling/scheduled-job.ts'
import { createScheduler, type Scheduler, type SchedulerOptions } from '../scheduling/scheduler.ts'
import { claimsOf } from './claims.ts'

export interface OpenSchedulerOptions extends Pick<SchedulerOptions, 'onEnded' | 'onMissed'> {
  readonly jobs: readonly ScheduledJob[]
  /** Of the journal, which all processes share that have these jobs. */
  readonly folder: string
  readonly owner: FolderOwner
  readonly world: Pick<World, 'now' | 'newId'>
  readonly onTrouble: (error: unknown) => void
}

/**
 * How long a run counts as under way without a sign of life. Signs come every forty seconds; a process of the
 * same machine that has ended is waited for by nobody.
 */
const CLAIM_MS = 120_000
const TURN_MS = 1000

/** Jobs that run at their times from now on. @throws SCHEDULE_INVALID */
export const openScheduler = ({
  folder,
  owner,
  world,
  onTrouble,
  ...options
}: OpenSchedulerOptions): { readonly scheduler: Scheduler; readonly stop: () => Promise<void> } => {
  const scheduler = createScheduler({
    ...options,
    world,
    journal: openFileJournal<ScheduleEntry>({
      folder,
      owner,
      now: world.now,
      failure: 'SCHEDULE_JOURNAL_FAILED',
    }),
    claimant: { ...claimsOf(owner, world.newId()), claimMs: CLAIM_MS },
  })
  const stop = keepScheduling({
    scheduler,
    onTrouble,
    // What waits for the next time keeps no process alive.
    pause: (signal) => wait(TURN_MS, undefined, { signal, ref: false }).catch(() => undefined),
  })
  return { scheduler, stop }
}
