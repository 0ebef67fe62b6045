import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { copyPendingLabels, readPendingLabels } from './pending-labels.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-pending-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (...words: number[]): void =>
  writeFileSync(join(folder, 'pending.labels'), new Uint8Array(Float64Array.from(words).buffer))

describe('the labels that a snapshot waits for', () => {
  test('are read with their times and the tokens that they have', () => {
    write(70, 11, 5, 1, 21, 0, 90, 31, 12, 6, 0, 0, 22, 95, 0, 13, 7, -1, 0, 0, 96, 0)
    const { clockMs, labels } = readPendingLabels(folder, ['account'])
    expect(clockMs).toBe(70)
    expect([...labels]).toEqual([
      {
        transactionToken: 11,
        eventTimeMs: 5,
        isFraud: true,
        dueMs: 90,
        tokens: { merchant: 21, account: 31 },
      },
      { transactionToken: 12, eventTimeMs: 6, isFraud: false, dueMs: 95, tokens: { device: 22 } },
      { transactionToken: 13, eventTimeMs: 7, isFraud: null, dueMs: 96, tokens: {} },
    ])
  })

  test('are all read where there are many, and none where there are none', () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => [n + 1, n, 0, 1, 0, n])
    write(5, ...rows.flat())
    expect([...readPendingLabels(folder, []).labels].map(({ dueMs }) => dueMs)).toEqual(rows.map((_, n) => n))
    write(Number.NEGATIVE_INFINITY)
    expect([...readPendingLabels(folder, []).labels]).toEqual([])
  })

  test('are copied without those that were told, with a clock that does not go back', () => {
    write(70, 11, 5, 1, 21, 0, 90, 12, 6, 0, 0, 22, 95)
    for (const [last, clock] of [
      [80, 80],
      [60, 80],
      [null, 80],
    ] as const) {
      copyPendingLabels(folder, folder, 0, new Set([11]), last)
      const { clockMs, labels } = readPendingLabels(folder, [])
      expect([clockMs, [...labels].map(({ transactionToken }) => transactionToken)]).toEqual([clock, [12]])
    }
  })
})
