import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PENDING_FILE } from '../artifacts/state-snapshot.ts'
import { testFolder, testModel } from '../decisions/inference.test-kit.ts'
import type { LabelsPutBack } from '../ports/state-store.ts'
import { LabelsAgain } from './restore-labels.ts'

const MODEL = testModel()
let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const decided = (n: number, eventTimeMs: number) => ({
  transaction: { transactionId: `t${n}`, userId: 'u', merchantId: 'm', eventTimeMs, amountMinor: 1 },
  decidedAtMs: 5000 + n,
})

/** Labels of a history of transactions 1, 2 and 3, due at 100, 200 and 300, by a clock that says 50. */
const withHistory = (): LabelsAgain => {
  const own = MODEL.settings.options.entities.map(() => 0)
  const labels = [1, 2, 3].flatMap((token) => [token, 10 * token, 1, 0, 0, 100 * token, ...own])
  writeFileSync(join(folder, PENDING_FILE), new Uint8Array(Float64Array.of(50, ...labels).buffer))
  const again = new LabelsAgain({ model: MODEL, waitingLifeMs: 1000 })
  again.beginWithHistory(folder)
  return again
}

const putBack = async (labels: LabelsAgain) => {
  const all: LabelsPutBack[] = []
  await labels.putBack({ putBackLabels: async (some) => void all.push(some) }, 6000)
  return {
    clockMs: all[0]!.clockMs,
    due: all.flatMap(({ due }) => due.map(({ dueMs }) => dueMs)),
    waiting: all.flatMap(({ waiting }) => waiting.map(({ id, untilMs }) => [id, untilMs])),
  }
}

test('labels of a history wait until a decision has moved the clock past them, also from a snapshot on', async () => {
  const labels = withHistory()
  expect(await putBack(labels)).toEqual({ clockMs: 50, due: [100, 200, 300], waiting: [] })
  labels.decision(1, decided(1, 200) as never)
  expect(await putBack(labels)).toEqual({ clockMs: 200, due: [300], waiting: [] })
  writeFileSync(join(folder, 'receipts.jsonl'), Buffer.concat([...labels.lines()]))
  const again = new LabelsAgain({ model: MODEL, waitingLifeMs: 1000 })
  await again.beginWithSnapshot(join(folder, 'receipts.jsonl'), 200)
  expect(await putBack(again)).toEqual(await putBack(labels))
  expect(again.lines()).toEqual(labels.lines())
})

test('a label waits for its transaction as long as it would have, in a snapshot by the time of the last record', async () => {
  const labels = new LabelsAgain({ model: MODEL, waitingLifeMs: 1000 })
  const waits = { isFraud: true, isApplied: false, isWaiting: true } as const
  labels.label(1, { ...waits, transactionId: 'old', receivedAtMs: 4000 })
  labels.label(2, { ...waits, transactionId: 'new', receivedAtMs: 5001 })
  expect(labels.lines().map(String)).toEqual([expect.stringContaining('"id":"waiting/new"')])
  expect((await putBack(labels)).waiting).toEqual([['waiting/new', 6001]])
  // It had waited too long when its transaction came.
  labels.decision(3, {
    ...decided(1, 10),
    transaction: { ...decided(1, 10).transaction, transactionId: 'old' },
  } as never)
  expect((await putBack(labels)).due).toEqual([])
  labels.decision(4, {
    ...decided(1, 10),
    transaction: { ...decided(1, 10).transaction, transactionId: 'new' },
  } as never)
  expect(await putBack(labels)).toEqual({ clockMs: 10, due: [Number.NEGATIVE_INFINITY], waiting: [] })
})
