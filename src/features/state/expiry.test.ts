import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EngineDriver } from '../../../test/oracle/drive-engine.ts'
import type { LogEntry } from '../../../test/oracle/naive-features.ts'
import { randomLog, SMALL_FIT, smallSettings } from '../../../test/oracle/random-histories.ts'
import type { FeatureSettings } from '../feature-settings.ts'
import { lifetimeMs } from './expiry.ts'

/** Above the retention of small windows: 90 s, or 60 s and 30 s of delay, and 20 s of lateness. */
const FORGET_AFTER_MS = 200_000
const RETENTION_MS = 110_000
/** Around the retention, and around the gap. */
const GAPS_SECONDS = [0, 1, 10, 30, 60, 90, 110, 111, 130, 131, 199, 200, 201, 300]

const forgetful = (): FeatureSettings => smallSettings({ forgetAfterMs: FORGET_AFTER_MS })

describe('an entity that was away for too long', () => {
  test('law: is to its next transaction as one that was never seen, in every feature', () => {
    let begun = 0
    fc.assert(
      fc.property(randomLog(60, 3, GAPS_SECONDS), (log) => {
        const own = new EngineDriver(forgetful(), SMALL_FIT)
        const other = new EngineDriver(smallSettings(), SMALL_FIT)
        for (const entry of log) {
          if ('transaction' in entry) begun += beginThoseAway(other, entry)
          expect(own.take(entry)).toEqual(other.take(entry))
        }
      }),
      { numRuns: 30 },
    )
    expect(begun).toBeGreaterThan(100)
  })

  test('is not forgotten before its longest window with the delay of labels, whatever is set', () => {
    const { engineer } = new EngineDriver(smallSettings({ forgetAfterMs: 1000 }), SMALL_FIT)
    expect(engineer.keeperOf('user')!.layout.forgetAfterMs).toBe(RETENTION_MS)
  })

  test('has a layout of its own, and one without the setting is what it was', () => {
    const layoutOf = (settings: FeatureSettings) =>
      new EngineDriver(settings, SMALL_FIT).engineer.keeperOf('user')!.layout
    expect(layoutOf(forgetful()).schemaHash).not.toBe(layoutOf(smallSettings()).schemaHash)
    expect(layoutOf(smallSettings()).forgetAfterMs).toBe(Number.POSITIVE_INFINITY)
  })
})

/** What features read is windows alone. */
const windowed = (): FeatureSettings => ({
  ...smallSettings(),
  include: [
    'user_tx_count_10s',
    'user_total_amount_90s',
    'user_std_amount_60s',
    'user_max_amount_90s',
    'balance_mean_60s',
    'vip_share_60s',
    'merchant_tx_count_90s',
    'merchant_risk_60s',
    'balance_high_90s',
    'browser_use_90s',
    'device_risk_60s',
    'any_vip_60s',
    'reversal_is_known',
    'reversal_seconds_since',
  ],
})

describe('a state whose lifetime is over', () => {
  test.each([
    ['where features read windows alone', windowed, RETENTION_MS],
    ['where entities are forgotten', forgetful, FORGET_AFTER_MS],
  ])('law: %s, nothing that comes in time can tell that it is gone', (_, settingsOf, lastsMs) => {
    const settings = settingsOf()
    const { latenessMs } = settings.limits.user
    let expired = 0
    fc.assert(
      fc.property(randomLog(60, 3, GAPS_SECONDS), (log) => {
        const kept = new EngineDriver(settings, SMALL_FIT)
        const swept = new EngineDriver(settings, SMALL_FIT)
        const { kinds } = kept.engineer
        for (const kind of kinds) {
          const { layout } = kept.engineer.keeperOf(kind)!
          expect(lifetimeMs(layout)).toBeLessThanOrEqual(lastsMs + latenessMs)
        }
        let clockMs = Number.NEGATIVE_INFINITY
        for (const entry of log) {
          if ('transaction' in entry) {
            const { eventTimeMs } = entry.transaction
            // One that is further behind the clock is late for everybody.
            if (eventTimeMs < clockMs - latenessMs) continue
            clockMs = Math.max(clockMs, eventTimeMs)
          }
          expect(swept.take(entry)).toEqual(kept.take(entry))
          expired += swept.beginAnew((kind, _token, watermarkMs) => {
            const { layout } = swept.engineer.keeperOf(kind)!
            return Number.isFinite(watermarkMs) && clockMs - watermarkMs > lifetimeMs(layout)
          })
        }
      }),
      { numRuns: 30 },
    )
    expect(expired).toBeGreaterThan(100)
  })

  test('does not come where anything is kept for life', () => {
    const { engineer } = new EngineDriver(smallSettings(), SMALL_FIT)
    for (const kind of engineer.kinds)
      expect(lifetimeMs(engineer.keeperOf(kind)!.layout)).toBe(Number.POSITIVE_INFINITY)
    const one = (include: readonly string[]) =>
      new EngineDriver({ ...smallSettings(), include }, SMALL_FIT).engineer.keeperOf('user')!.layout
    expect(lifetimeMs(one(['user_tx_count_10s']))).toBe(10_000 + 20_000 + 20_000)
    for (const lifelong of ['user_seconds_since_last', 'balance_change', 'user_distinct_merchants_60s'])
      expect(lifetimeMs(one([lifelong]))).toBe(Number.POSITIVE_INFINITY)
  })
})

/** The rule again, from outside: states whose latest transaction lies too far before this one. */
const beginThoseAway = (driver: EngineDriver, entry: Extract<LogEntry, { transaction: unknown }>): number => {
  const { transaction } = entry
  const named = driver.statesOf(transaction)
  return driver.beginAnew(
    (kind, token, watermarkMs) =>
      named.some((state) => state.kind === kind && state.token === token) &&
      Number.isFinite(watermarkMs) &&
      transaction.eventTimeMs - watermarkMs > FORGET_AFTER_MS,
  )
}
