import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelOf, NO_CLEANING, testStorage } from '../../../test/parity/serving-kit.ts'
import { PromotionSchema, type PromotionSettings } from '../../config/sections/promotion.ts'
import { decodeLogEntry } from '../../decisions/log/log-record.ts'
import { appliedOf, stateOf, withApplied } from '../../decisions/states/stored-state.ts'
import { HEADER } from '../../features/state/layout.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { judgePromotion } from '../promotion/gates.ts'
import type { ServedRun } from './serve-run.ts'
import { createServedBank, type ServedBank, WORLD, withLog, withStore } from './served-bank.test-kit.ts'

let shop: ServedBank
beforeAll(async () => {
  shop = await createServedBank()
})
afterAll(() => shop?.remove())

describe('the gates of a promotion, by what serving does', () => {
  it('pass an honest service, which starts from the states of training and leaves nothing open', async () => {
    const { folder, trained, serve } = shop
    const work = join(folder, 'honest')
    expect(gatesOf(await serve(trained, { workFolder: work, rows: 1000 }))).toEqual(PASSED)
    expect(existsSync(join(work, '.vigia/state'))).toBe(true)
    // Nobody holds it: another service may open it.
    const log = {
      path: join(work, '.vigia/log'),
      durability: 'process',
      segment_size: 1,
      keep: 'forever',
      snapshot_every: '0s',
      snapshots_kept: 2,
    } as const
    await (await testStorage().openLog(log)).close()
  })

  it('fail a store that has one bit of a state otherwise than it was saved', async () => {
    const { trained, serve } = shop
    const served = await serve(trained, { storage: withStore((store) => ({ save: flipped(store) })) })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.differing.map(({ feature }) => feature)).toContain('user_mean_amount_life')
  })

  it('fail a store that says that it has saved the states of users, and has not', async () => {
    const { trained, serve } = shop
    const storage = withStore((store) => ({
      save: (changes, receipts) =>
        store.save(
          changes.filter(({ key }) => key.kind !== 'user'),
          receipts,
        ),
    }))
    expect(gatesOf(await serve(trained, { storage }))).toEqual({ ...PASSED, parity: false })
  })

  it('fail a store that loses receipts: whose a label is, nobody knows', async () => {
    const { trained, serve } = shop
    const storage = withStore((store) => ({
      save: (changes, receipts = []) =>
        store.save(
          changes,
          receipts.filter(({ id }) => !id.startsWith('decision/')),
        ),
    }))
    const served = await serve(trained, { storage })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.missing).toBeGreaterThan(10)
  })

  it('end at a log whose archive loses a decision: the service starts over no hole', async () => {
    const { trained, serve } = shop
    let left = 50
    const storage = withLog((log) => ({
      readSegment: async function* (segment) {
        for await (const record of log.readSegment(segment)) if (--left !== 0) yield record
      },
    }))
    await expect(serve(trained, { storage })).rejects.toMatchObject({
      code: 'SERVING_LOG_GAPS',
      details: { numbers: '50' },
    })
  })

  it('end at a log that does not have a decision that it acknowledged: killed, the service starts over no hole', async () => {
    const { trained, serve } = shop
    let decisions = 0
    const storage = withLog((log) => ({
      append: async (sequence, payload) =>
        decodeLogEntry(payload)?.kind === 'decision' && ++decisions === 700
          ? { segment: 'nowhere', offset: 0 }
          : log.append(sequence, payload),
    }))
    await expect(serve(trained, { storage })).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
  })

  it('fail a service that leaves cleaning out', async () => {
    const { bank, trained, serve } = shop
    const served = await serve(trained, { model: modelOf(bank.history, NO_CLEANING) })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.differing.map(({ feature }) => feature)).toContain('user_category_is_usual')
  })

  it('fail 20 ms more in the log, on every decision', async () => {
    const clock = slowClock()
    const storage = withLog((log) => ({ append: clock.slow(log.append) }))
    const served = await shop.serve(shop.trained, { storage, world: clock.world })
    expect(gatesOf(served)).toEqual({ ...PASSED, latency: false })
    expect(served.latency).toMatchObject({ p50: 20, p99: 20 })
  })

  it('fail 20 ms more in the store, on every decision', async () => {
    const clock = slowClock()
    const storage = withStore((store) => ({ findReceipt: clock.slow(store.findReceipt) }))
    const served = await shop.serve(shop.trained, { storage, world: clock.world })
    expect(gatesOf(served)).toEqual({ ...PASSED, latency: false })
    expect(served.latency).toMatchObject({ p50: 20, p99: 20 })
  })
})

/** Which of the two gates that serve is passed, by the default settings. */
const gatesOf = (served: ServedRun): Record<string, boolean> => {
  const nothing = { notMeasured: 'not this test' }
  const results = judgePromotion(
    Value.Default(PromotionSchema, {}) as PromotionSettings,
    { ...served, artifact: nothing, figures: nothing, regression: nothing },
    [],
  )
  return {
    parity: results.filter(({ gate }) => gate === 'parity').every(({ passed }) => passed),
    latency: results.filter(({ gate }) => gate === 'latency').every(({ passed }) => passed),
  }
}
const PASSED = { parity: true, latency: true }

/** A world whose clock stands still, but for calls that were made slow: each takes 20 ms of it. */
const slowClock = () => {
  let clockMs = 0
  return {
    world: { ...WORLD, monotonicMs: () => clockMs },
    slow:
      <A extends unknown[], R>(call: (...given: A) => R) =>
      (...given: A): R => {
        clockMs += 20
        return call(...given)
      },
  }
}

/** Saves with the lowest bit of the sum of all amounts changed, in the state of every user. */
const flipped =
  (store: StateStore): StateStore['save'] =>
  (changes, receipts) =>
    store.save(
      changes.map((change) => {
        if (change.key.kind !== 'user') return change
        const bytes = stateOf(Uint8Array.from(change.bytes))
        bytes[HEADER.totalMinor * 8]! ^= 1
        return { ...change, bytes: withApplied(bytes, appliedOf(change.bytes)) }
      }),
      receipts,
    )
