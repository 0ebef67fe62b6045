import type { Mutation } from './build-simulator.ts'

/** A mistake that somebody could make, for which the simulator has no name. */
export interface Mutant {
  readonly name: string
  readonly mutations: readonly Mutation[]
  /** A seed that is known to find it: tried first. */
  readonly knownSeed: number
}

const one = (name: string, knownSeed: number, file: string, find: string, replace: string): Mutant => ({
  name,
  knownSeed,
  mutations: [{ file, find, replace }],
})

/** Mistakes of the kinds that logs, leases, replays and receipts are there to rule out. */
export const MUTANTS: readonly Mutant[] = [
  one(
    'acknowledged before it is on the disk',
    5,
    'src/adapters/segments/segment-writer.ts',
    '      await syncAsync(file)\n    },\n    grow',
    '    },\n    grow',
  ),
  one(
    'an owner that was ousted is not stopped',
    90,
    'src/disk/lease.ts',
    '  checkTime(): void {\n    if (this.failure',
    '  checkTime(): void {\n    if (this !== undefined) return\n    if (this.failure',
  ),
  one(
    'a record is applied to states that have it',
    1,
    'src/decisions/owned/log-replay.ts',
    'items.filter(({ applied }) => applied < sequence)',
    'items.filter(() => sequence > 0)',
  ),
  one(
    'a state is saved before its records are durable',
    62,
    'src/decisions/owned/unsaved-states.ts',
    '      if (item.applied > durable) continue\n',
    '      if (item.applied > durable + 1e9) continue\n',
  ),
  one('receipts are not saved', 1, 'src/decisions/owned/unsaved-states.ts', '...receipts.receipts, ', ''),
  one(
    'nobody asks whose decisions a shared store has',
    2,
    'src/decisions/shared/known-history.ts',
    '  await store.expectHistory({ name, lastSequence })\n',
    '',
  ),
  one(
    'a label that waits is forgotten by a crash',
    73,
    'src/decisions/owned/log-replay.ts',
    '    waiting.keep(receipt)\n',
    '',
  ),
  one(
    'a write that failed counts as done',
    8,
    'src/adapters/segments/group-commit.ts',
    '    group.reject(failure)\n',
    "    group.resolve({ segment: '000000000001.log', offset: 0 })\n",
  ),
  one(
    'the frontier passes records that a stored state lacks',
    1,
    'src/decisions/owned/frontier.ts',
    'Math.min(receiptsThrough, statesThrough, storedUpTo, this.replayed)',
    'Math.min(receiptsThrough, storedUpTo, this.replayed)',
  ),
  one(
    'a torn record at the end is accepted',
    5,
    'src/adapters/segments/segment-end.ts',
    '      return { bytes: end, lastSequence,',
    '      return { bytes: size, lastSequence,',
  ),
  one(
    'segments leave the log while a replay needs them',
    8,
    'src/decisions/archiver.ts',
    '    const archivable = await decisions.archivable()\n',
    '    const archivable = decisions === undefined ? 0 : Number.MAX_SAFE_INTEGER\n',
  ),
  one(
    'an entry leaves the shared store before it is in a log',
    46,
    'src/decisions/shared/outbox.ts',
    '    await this.looking(bring())\n',
    '    void this.looking(bring())\n',
  ),
  one(
    'a repeated transaction is answered as if nothing had been drawn',
    1,
    'src/decisions/decided.ts',
    '  controlSample: decided.controlSample,\n  hash,',
    '  hash,',
  ),
  one(
    'a failed write is not forgotten by the states',
    33,
    'src/decisions/owned/recovery.ts',
    '    this.parts.unsaved.discard()\n',
    '',
  ),
]

/** Mistakes that were in the code until the simulator found them. */
export const FOUND: readonly Mutant[] = [
  one(
    'segments leave the log before the states are on the disk',
    513,
    'src/decisions/owned/owned-decisions.ts',
    '    await this.options.store.flush()\n',
    '',
  ),
  one(
    'a transaction that is asked for twice is decided on while the first is saved',
    244,
    'src/decisions/owned/in-turns.ts',
    '    this.underWay.set(id, own)\n',
    '',
  ),
  one(
    'a segment whose name did not reach the disk stands in the way of the next',
    3055,
    'src/adapters/segments/segment-writer.ts',
    '    if (isLeftover) names.replace(draft, path)\n    else names.place(draft, path)\n',
    '    names.place(draft, path)\n',
  ),
  one(
    'servers that start together name one shared store twice',
    24,
    'src/decisions/open-pipeline.ts',
    "states.kind === 'owned' ? proposed : await nameHistory(states.store, proposed)",
    'proposed',
  ),
  one(
    'a power failure leaves records and no description of their model',
    645,
    'src/adapters/segments/log-documents.ts',
    '  syncFolder(documentsFolder(folder))\n',
    '',
  ),
  one(
    'a removal that is repeated takes the segment that was just begun',
    20283,
    'src/adapters/segments/log-tail.ts',
    'for (const name of segments) if (name !== this.current?.name) names',
    'for (const name of segments) names',
  ),
  one(
    'a decision is not found while its receipt is made again',
    291,
    'src/decisions/owned/owned-decisions.ts',
    '    if (receipt === undefined && failure !== undefined) throw failure\n',
    '',
  ),
  one(
    'no log says that a store was used whose records a power failure took',
    47281,
    'src/decisions/shared/history-watch.ts',
    '    if (this.isUseKnown || this.parts.store.knownSequence() === 0) return undefined\n',
    '    return undefined\n',
  ),
  one(
    'a shared store is begun anew that was emptied between two looks',
    1001099,
    'src/decisions/open-pipeline.ts',
    "  if (states.kind === 'shared' && seen !== undefined) await refuseEmptied(states, seen)\n",
    '',
  ),
  one(
    'a server begins anew on a store that it was on before, since its own log has no decisions',
    1019279,
    'src/decisions/shared/known-history.ts',
    '  if (known === undefined && lastSequence === 0) return\n',
    '  if (lastSequence === 0) return\n',
  ),
  one(
    'a lock that a power failure brought back, below one that it cut short, is in everybody’s way',
    1038182,
    'src/disk/numbered-lock.ts',
    '  if (below !== undefined) return below\n',
    '',
  ),
  one(
    'a server that lost its log while it starts takes what the new owner archived for gaps',
    1022923,
    'src/decisions/log/log-gaps.ts',
    '    await check.log.remove([])\n',
    '',
  ),
  one(
    'a label is unchanged although its record was not written',
    1046703,
    'src/decisions/owned/owned-labels.ts',
    "      throwIfUnavailable()\n      return 'unchanged'\n",
    "      return 'unchanged'\n",
  ),
  {
    name: 'a sweep takes labels that wait, and are being read again, for old ones',
    knownSeed: 49884,
    mutations: [
      { file: 'src/decisions/owned/saver.ts', find: '    await this.settled()\n', replace: '' },
      {
        file: 'src/decisions/owned/saver.ts',
        find: '      if (this.haltReason !== undefined) return\n      await this.sweep()\n',
        replace: '      await this.sweep()\n',
      },
    ],
  },
  one(
    'closing leaves a state that has just expired unsaved',
    83292,
    'src/decisions/owned/owned-decisions.ts',
    'await Promise.all([this.receipts.allSettled(), this.answersNobody, this.saver.settled()])',
    'await this.receipts.allSettled()',
  ),
  one(
    'closing gives up on a log that can be written again',
    336077,
    'src/decisions/owned/recovery.ts',
    '        await this.pause()\n',
    '        await this.pause()\n        if (this.isClosed) return\n',
  ),
]
