import { describe, expect, it } from 'vitest'
import type { PromotionSettings } from '../../config/sections/promotion.ts'
import { noBounds } from '../../evaluation/figures.test-kit.ts'
import type { ParityReport } from '../parity/parity-report.ts'
import { type GateMeasurements, judgePromotion, PROMOTION_GATES, SKIPPABLE_GATES } from './gates.ts'

describe('promotion gates', () => {
  it('pass where all is as it must be', () => {
    expect(failed(good)).toEqual([])
  })

  it('do not pass what could not be measured, for the reason that it says', () => {
    const nothing = { notMeasured: 'no run folder' }
    const results = judgePromotion(
      { ...settings, minimum: { ...noBounds(), roc_auc: 0.5 } },
      { artifact: nothing, figures: nothing, regression: nothing, parity: nothing, latency: nothing },
      [],
    )
    expect([...new Set(results.map(({ gate }) => gate))]).toEqual(PROMOTION_GATES)
    for (const { passed, got, why } of results)
      expect([passed, got, why]).toEqual([false, 'not measured', 'no run folder'])
  })

  it.each([
    [0.9, true],
    [0.8999, false],
    [null, false],
  ])('with a minimum of 0.9, a ROC-AUC of %s passes: %s', (rocAuc, passed) => {
    const minimum = { ...noBounds(), roc_auc: 0.9 }
    const measured = { ...good, figures: { rocAuc, averagePrecision: 0 } }
    expect(failed(measured, { ...settings, minimum }).length === 0).toBe(passed)
  })

  it.each([
    [0.875, true],
    [0.8749, false],
    [null, false],
  ])('with at most 0.025 less than the 0.9 of the present version, %s passes: %s', (rocAuc, passed) => {
    const regression = {
      candidate: { rocAuc, averagePrecision: 0.5 },
      present: { version: 3, rocAuc: 0.9, averagePrecision: 0.5 },
    }
    const regressed = { ...settings, regression: { ...noBounds(), roc_auc: 0.025, average_precision: 0 } }
    expect(failed({ ...good, regression }, regressed).length === 0).toBe(passed)
  })

  it('hold from above what is better the lower', () => {
    const minimum = { ...noBounds(), log_loss: 0.25 }
    const of = (logLoss: number) => failed({ ...good, figures: { logLoss } }, { ...settings, minimum })
    expect(of(0.25)).toEqual([])
    expect(of(0.2501)).toEqual([
      expect.objectContaining({
        name: 'log loss on test',
        wanted: 'at most 0.25',
        got: '0.2501',
        why: 'more than promotion.minimum.log_loss',
      }),
    ])
  })

  it('ask for no step back where every margin is null, and say so', () => {
    const regression = { candidate: { rocAuc: 0.1 }, present: { version: 3, rocAuc: 0.9 } }
    const results = judgePromotion(
      { ...settings, regression: noBounds() },
      { ...good, regression } as GateMeasurements,
      [],
    )
    expect(results.find(({ gate }) => gate === 'regression')).toMatchObject({
      passed: true,
      why: 'promotion.regression asks for none',
    })
  })

  it('pass a figure that the present version does not have', () => {
    const regression = {
      candidate: { rocAuc: 0.1, averagePrecision: 0.1 },
      present: { version: 3, rocAuc: null, averagePrecision: null },
    }
    expect(failed({ ...good, regression })).toEqual([])
  })

  it.each([
    [{ differing: [{ feature: 'amount', count: 1, largest: 1e-300 }] }, 'differ: amount (1) (here)'],
    [{ missing: 2 }, '2 transactions or labels are missing in the log (here)'],
    [{ extra: 3 }, '3 transactions are too many: decided on twice, or unknown (here)'],
    [{ rows: 0, values: 0 }, 'nothing was compared (here)'],
  ])('take nothing for parity but equal values in all rows, of which there are some: %o', (changed, why) => {
    expect(failed({ ...good, parity: { ...parity, ...changed } })).toEqual([
      expect.objectContaining({ gate: 'parity', why }),
    ])
  })

  it('hold a budget at its bound, ask for none where it is null, and need calls', () => {
    const latency = { calls: 9, warmUp: 1, p50: 1, p99: 5, largest: 99 }
    expect(failed({ ...good, latency })).toEqual([])
    expect(failed({ ...good, latency: { ...latency, p99: 5.01 } })).toEqual([
      expect.objectContaining({ name: 'decision, p99', wanted: 'at most 5 ms', got: '5.010 ms' }),
    ])
    const any = { ...settings, latency: { p50: null, p99: null } }
    expect(judgePromotion(any, good, []).filter(({ gate }) => gate === 'latency')).toEqual([])
    expect(failed({ ...good, latency: { ...latency, calls: 0 } })).toHaveLength(2)
  })

  it('that are skipped have still failed; those that passed are not marked', () => {
    const results = judgePromotion(settings, { ...good, parity: { ...parity, rows: 0 } }, [
      'parity',
      'latency',
    ])
    expect(results.filter(({ skipped }) => skipped)).toEqual([
      expect.objectContaining({ gate: 'parity', passed: false }),
    ])
    expect(SKIPPABLE_GATES).not.toContain('artifact')
  })
})

const settings: PromotionSettings = {
  minimum: noBounds(),
  regression: { ...noBounds(), roc_auc: 0.005, average_precision: 0.005 },
  parity_rows: 100,
  latency: { p50: 1, p99: 5 },
}

const parity: ParityReport = {
  schema: 1,
  source: 'here',
  identity: { layouts: 'a', features: 'b', fitted: 'c' },
  rows: 10,
  values: 100,
  differing: [],
  missing: 0,
  extra: 0,
}

const good: GateMeasurements = {
  artifact: { sha256: 'ab'.repeat(32) },
  figures: { rocAuc: 0.9, averagePrecision: 0.5 },
  regression: null,
  parity,
  latency: { calls: 90, warmUp: 10, p50: 0.1, p99: 0.2, largest: 3 },
}

const failed = (measured: object, by: PromotionSettings = settings) =>
  judgePromotion(by, measured as GateMeasurements, []).filter(({ passed }) => !passed)
