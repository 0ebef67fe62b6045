import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type GeneratedBank,
  generatedBank,
  LABEL_TIMES,
  labelledAt,
  secondBank,
} from '../parity/histories.ts'
import { type History, type Replayed, replayInto } from '../parity/replay-run.ts'
import { serveHistory } from '../parity/serve-history.ts'

/**
 * test/replay-parity.test.ts in full: another bank's 576,870 transactions, and each kind of label by itself.
 */
const folder = mkdtempSync(join(tmpdir(), 'vigia-whole-parity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('second-bank: 576,870 transactions of another bank, five of them of amount zero', () => {
  const banks: Record<string, History> = {}
  const replayed: Record<string, Replayed> = {}
  beforeAll(async () => {
    Object.assign(banks, await secondBank(folder))
  })

  describe.each([
    ['fifteen', 15, [2, 4]],
    ['all', 104, [3]],
  ])('with %s features', (name, features, others) => {
    test(`one worker and ${others.join(' and ')} write the same bytes, features and states`, async () => {
      const one = await replayInto(folder, `${name}-1`, banks[name]!, { workers: 1 })
      replayed[name] = one
      expect([one.result.rows, one.result.featureNames.length]).toEqual([576_870, features])
      for (const workers of others) {
        const more = await replayInto(folder, `${name}-${workers}`, banks[name]!, { workers })
        expect(more.hashes).toEqual(one.hashes)
        expect(more.result).toEqual(one.result)
      }
    })

    test('a server logs the same vectors, transaction by transaction, and keeps the same states', async () => {
      const served = await serveHistory(folder, banks[name]!, replayed[name]!)
      expect(served.differences).toEqual([])
      expect([served.transactions, served.values]).toEqual([576_870, 576_865 * features])
      expect(served.labels).toBeGreaterThan(500_000)
      expect(served.equalStates).toBe(served.states)
    })
  })

  test('batches of another size give the same bytes', async () => {
    const { hashes } = await replayInto(folder, 'thousand', banks['fifteen']!, {
      workers: 2,
      batchRows: 1000,
    })
    expect(hashes).toEqual(replayed['fifteen']!.hashes)
  })
})

describe('a disordered bank whose labels have times of their own', () => {
  let bank: GeneratedBank
  beforeAll(async () => {
    const disorder = { late_share: 0.2, duplicate_share: 0.05, same_second_share: 0.1 }
    bank = await generatedBank(folder, 'disordered', {
      rows: 20_000,
      users: 300,
      merchants: 150,
      days: 60,
      disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
    })
  })

  test.each(Object.entries(LABEL_TIMES))(
    'with labels %s, two threads, small batches and a server agree',
    async (name, expression) => {
      const history = await labelledAt(folder, `labels ${name}`, bank.history, expression)
      const base = await replayInto(folder, `labels-${name}`, history, { workers: 2, batchRows: 777 })
      const served = await serveHistory(folder, history, base)
      expect(served.differences).toEqual([])
      expect(served.equalStates).toBe(served.states)
    },
  )

  test.each([{ workers: 4 }, { workers: 1, batchRows: 7 }, { workers: 2, batchRows: 1 }])(
    'replayed with other threads and batches: the same bytes (%o)',
    async (how) => {
      const one = await replayInto(folder, `one-${how.workers}-${how.batchRows}`, bank.history, {
        workers: 1,
      })
      const other = await replayInto(folder, `other-${how.workers}-${how.batchRows}`, bank.history, how)
      expect(other.hashes).toEqual(one.hashes)
    },
  )
})
