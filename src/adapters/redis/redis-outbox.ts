import type { CommitOutcome, OutboxEntry, SharedStateStore, StateChange } from '../../ports/state-store.ts'
import { LONGEST_WAIT_MS, type RedisConnection, type RedisReply, type RedisWord } from './redis-connection.ts'
import { labelWords, lifeWord } from './redis-labels.ts'
import { asBuffer, changeWords, createGroup, GROUP, isRefusal, type RedisLink } from './redis-link.ts'
import { COMMIT, SETTLE } from './redis-scripts.ts'

/** One process among those that take entries. */
export interface Taker {
  /** Waiting for entries holds a connection up. */
  readonly waiting: RedisConnection
  readonly consumer: string
  readonly takeOverAfterMs: number
}

/** Commits, and the entries that they leave. */
export const outboxCalls = (
  { connection, names, history }: RedisLink,
  { waiting, consumer, takeOverAfterMs }: Taker,
): Pick<SharedStateStore, 'commit' | 'takeEntries' | 'settle'> => ({
  commit: async (changes, receipt, entry, receiptLifeMs, demands = {}): Promise<CommitOutcome> => {
    history.waitForOthers()
    const { replaces, labels } = demands
    const { key, words } = labelWords(names, receipt.id, labels)
    const [outcome, ...values] = await history.run(
      COMMIT,
      [
        ...[names.receipt(receipt.id), names.outbox, names.clock, names.due, names.waiting, key],
        ...changes.map(({ key: state }) => names.state(state)),
      ],
      [
        ...[asBuffer(receipt.bytes), lifeWord(receiptLifeMs), asBuffer(entry)],
        ...(replaces === undefined ? ['0', ''] : ['1', asBuffer(replaces)]),
        ...words,
        ...changes.flatMap(committedWords),
      ],
    )
    if (outcome === 'repeated') return { outcome, receipt: new Uint8Array(values[0] as Buffer) }
    if (outcome !== 'committed') return { outcome: outcome as 'conflict' | 'due' | 'otherwise' | 'full' }
    const [sequence, waitingLabels, expiredLabels, due] = values as readonly number[]
    history.saw(sequence!)
    return {
      outcome,
      sequence: sequence!,
      waitingLabels: waitingLabels!,
      expiredLabels: expiredLabels!,
      isLabelDue: due === 1,
    }
  },
  takeEntries: async (most, waitMs) => {
    const claim = [
      'XAUTOCLAIM',
      names.outbox,
      GROUP,
      consumer,
      `${takeOverAfterMs}`,
      '0-0',
      'COUNT',
      `${most}`,
    ]
    const read = ['XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', `${most}`]
    const wait = ['BLOCK', `${Math.min(Math.max(1, Math.ceil(waitMs)), LONGEST_WAIT_MS)}`]
    try {
      const claimed = (await waiting.send(claim)) as readonly RedisReply[]
      const left = entriesOf(claimed[1] as readonly RedisReply[])
      const reply =
        left.length > 0 ? null : await waiting.send([...read, ...wait, 'STREAMS', names.outbox, '>'])
      // Entries of another history must not come into this one's logs.
      await history.look(waiting)
      if (reply === null) return left
      return entriesOf((reply as readonly (readonly RedisReply[])[])[0]![1] as readonly RedisReply[])
    } catch (error) {
      // The store was cleared, by this process or another one. The new group begins with the first entry.
      if (!isRefusal(error, 'NOGROUP') && !isRefusal(error, 'UNBLOCKED')) throw error
      await history.look(waiting)
      await createGroup(connection, names)
      return []
    }
  },
  settle: async (sequences) => {
    if (sequences.length === 0) return
    await history.run(SETTLE, [names.outbox], [GROUP, ...sequences.map((sequence) => `${sequence}-0`)])
  },
})

/** A change as a commit takes it: with its life, empty for one without end. */
const committedWords = (change: StateChange): RedisWord[] => [
  ...changeWords(change),
  change.lifeMs === undefined ? '' : lifeWord(change.lifeMs),
]

/** What puts a store right: see `waitingEntries` and `putBack` of `SharedStateStore`. */
export const restoreCalls = ({
  connection,
  names,
  history,
}: RedisLink): Pick<SharedStateStore, 'waitingEntries' | 'putBack'> => ({
  waitingEntries: async () => {
    const all: OutboxEntry[] = []
    for (let after = 0; ; after = all.at(-1)!.sequence) {
      const reply = await connection.send(['XRANGE', names.outbox, `(${after}-0`, '+', 'COUNT', '1000'])
      const entries = entriesOf(reply as readonly RedisReply[])
      if (entries.length === 0) return all
      all.push(...entries)
    }
  },
  putBack: async (receipts, entries) => {
    const commands = [
      ...receipts.map(({ id, bytes, lifeMs }) => [
        ...['SET', names.receipt(id)],
        asBuffer(bytes),
        ...['PX', lifeWord(lifeMs)],
      ]),
      ...entries.map(({ sequence, bytes }) => [
        ...['XADD', names.outbox, `${sequence}-0`, 'entry'],
        asBuffer(bytes),
      ]),
    ]
    await history.write([...receipts.map(({ id }) => names.receipt(id)), names.outbox], commands)
  },
})

/** Entries of a stream. One that was settled meanwhile is nothing, or has no fields any more. */
const entriesOf = (replies: readonly RedisReply[]): OutboxEntry[] =>
  (replies as readonly (readonly [Buffer, readonly [Buffer, Buffer] | null] | null)[]).flatMap((reply) => {
    const fields = reply?.[1]
    return fields
      ? [{ sequence: Number.parseInt(String(reply[0]), 10), bytes: new Uint8Array(fields[1]) }]
      : []
  })
