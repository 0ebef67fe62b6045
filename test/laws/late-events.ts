import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanTransaction } from '../../src/dataset/cleaning.ts'
import { FeatureEngineer } from '../../src/features/feature-engineer.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { decodeState, encodeState } from '../../src/features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../src/features/state/entity-state.ts'
import { HEADER, type StateLayout } from '../../src/features/state/layout.ts'
import { EntityReading, type FraudRun } from '../../src/features/state/reading.ts'
import { takeSideOf } from '../../src/features/state/sides.ts'
import { StateKeeper } from '../../src/features/state/state-keeper.ts'
import { readTransaction } from '../../src/features/transaction-event.ts'
import { type EntityKind, stateKindOf } from '../../src/transaction/entity-kind.ts'
import { NO_TOKEN, tokenOf } from '../../src/transaction/token.ts'
import type { LogEntry } from '../oracle/naive-features.ts'
import { randomLog, SMALL_FIT, smallSettings } from '../oracle/random-histories.ts'
import { RATES, randomConfiguration, withRates } from '../oracle/random-settings.ts'
import { RebuildingKeeper } from '../oracle/rebuilding-keeper.ts'

/**
 * Law: a late transaction reads and leaves what it would if the ring were written again in order: the same
 * reading, bit for bit, and the same bytes of the state. Reading alone leaves no trace.
 *
 * @param share of the histories that are tried, 1 being some 1,200
 */
export const lateEqualsRebuilt = ({ share }: { readonly share: number }): void => {
  const seed = 20_261_128
  const law = (logs: fc.Arbitrary<LogEntry[]>, settings: FeatureSettings, histories: number): number => {
    let late = 0
    fc.assert(
      fc.property(logs, (log) => {
        late += expectRebuilt(log, settings, SMALL_FIT)
      }),
      { numRuns: Math.ceil(share * histories), seed },
    )
    return late
  }

  describe('a late transaction', () => {
    test('reads and leaves what a ring written again in order would give', () => {
      expect(law(randomLog(60), smallSettings(), 300)).toBeGreaterThan(share * 1000)
    })

    test('does so when nearly every transaction is late, by a little or by much', () => {
      expect(law(withJitter(randomLog(60), 4000), smallSettings(), 200)).toBeGreaterThan(share * 2000)
      expect(law(withJitter(randomLog(60), 25_000), smallSettings(), 100)).toBeGreaterThan(share * 1000)
    })

    test('does so in rings that are full, and give up their oldest', () => {
      for (const ringEvents of [4, 8, 16]) {
        const settings = smallSettings({ ringEvents, dimensionValues: 4 })
        law(randomLog(80, 9, [0, 1, 2]), settings, 100)
        law(withJitter(randomLog(80, 9, [0, 1, 2]), 20_000), settings, 100)
      }
    })

    test('does so where labels are known before a late transaction comes', () => {
      const settings = smallSettings({ latenessMs: 60_000, labelDelayMs: 5000 })
      expect(law(withJitter(randomLog(80, 3, [0, 1, 2, 5]), 40_000), settings, 100)).toBeGreaterThan(
        share * 1000,
      )
    })

    test('does so where no window holds it, and it leaves as it comes', () => {
      const include = [
        'user_mean_amount_life',
        'merchant_tx_count_life',
        'browser_last',
        'user_merchant_share',
      ]
      const settings = { ...smallSettings(), include }
      const { layouts } = new FeatureEngineer(settings, SMALL_FIT, separateBlocks).plan
      expect(layouts['user']!.retentionMs).toBe(layouts['user']!.limits.latenessMs)
      expect(law(randomLog(60, 3, [0, 1, 10, 20]), settings, 100)).toBeGreaterThan(share * 100)
    })

    test('does so in long rings, whose values are linked, where small tables forget', () => {
      const settings = smallSettings({ dimensionValues: 4 })
      const dense = withJitter(randomLog(400, 12, [0, 0, 0, 1]), 6000)
      expect(law(dense, settings, 20)).toBeGreaterThan(share * 1000)
      expect(law(withJitter(randomLog(400, 40, [0, 0, 0, 1]), 500), settings, 20)).toBeGreaterThan(
        share * 200,
      )
    })

    test('does so whatever entities, attributes, aggregates and sides a bank declares', () => {
      let late = 0
      const jitters = fc.constantFrom(0, 3000, 20_000)
      fc.assert(
        fc.property(
          randomConfiguration,
          jitters.chain((jitterMs) => withJitter(randomLog(60, 5), jitterMs)),
          RATES,
          ({ settings, fitted }, log, rates) => {
            late += expectRebuilt(withRates(log, settings, rates), settings, fitted)
          },
        ),
        { numRuns: Math.ceil(share * 400), seed },
      )
      expect(late).toBeGreaterThan(share * 1000)
    })
  })
}

/** The same log with every transaction up to `mostMs` earlier, in steps of half a second. */
const withJitter = (logs: fc.Arbitrary<LogEntry[]>, mostMs: number): fc.Arbitrary<LogEntry[]> =>
  fc
    .tuple(logs, fc.array(fc.integer({ min: 0, max: mostMs / 500 }), { minLength: 1, maxLength: 50 }))
    .map(([log, halves]) => {
      const moved = <T extends { transactionId: string; eventTimeMs: number }>(transaction: T): T => {
        const half = halves[Number(transaction.transactionId.slice(1)) % halves.length]!
        return { ...transaction, eventTimeMs: transaction.eventTimeMs - half * 500 }
      }
      return log.map((entry) =>
        'transaction' in entry
          ? { transaction: moved(entry.transaction) }
          : { ...entry, labelOf: moved(entry.labelOf) },
      )
    })

interface Kept {
  readonly layout: StateLayout
  readonly kind: EntityKind
  readonly keeper: StateKeeper
  readonly oracle: RebuildingKeeper
  readonly takeSide: ((event: FeatureEngineer['event']) => void) | undefined
}

/** Carries a log through keepers, and each late transaction through the oracle too; returns how many were. */
const expectRebuilt = (
  log: readonly LogEntry[],
  settings: FeatureSettings,
  fitted: FittedFeatures,
): number => {
  const engineer = new FeatureEngineer(settings, fitted, separateBlocks)
  const { event } = engineer
  const { base, decimals } = settings.amounts
  const amounts = base === undefined ? {} : { amounts: { base, decimals } }
  const cleaning = { version: 1, foldCategories: false, fill: {}, amountCapMinor: null, ...amounts } as const
  const kept = engineer.kinds.map((kind): Kept => {
    const layout = engineer.plan.layouts[kind]!
    return {
      layout,
      kind,
      keeper: new StateKeeper(layout, separateBlocks, event),
      oracle: new RebuildingKeeper(layout, separateBlocks, event),
      takeSide: takeSideOf(kind, event.entities),
    }
  })
  const states = new Map<string, EntityState>()
  const stateOf = ({ kind, keeper }: Kept): EntityState | undefined => {
    const token = engineer.entityToken(kind)
    if (token === NO_TOKEN) return undefined
    const key = `${stateKindOf(kind, event.entities)} ${token}`
    if (!states.has(key)) states.set(key, keeper.create())
    return states.get(key)
  }
  let late = 0
  const labels = new Map<string, boolean | null>()
  log.forEach((entry, index) => {
    const transaction = 'transaction' in entry ? entry.transaction : entry.labelOf
    readTransaction(event, cleanTransaction(transaction, cleaning))
    for (const one of kept) {
      const state = stateOf(one)
      if (state === undefined) continue
      if ('isFraud' in entry) {
        const token = tokenOf(transaction.transactionId)
        const known = labels.get(transaction.transactionId) ?? null
        one.keeper.label(state, transaction.eventTimeMs, token, entry.isFraud, known)
        continue
      }
      if (one.kind === 'user' && one.keeper.hasSeen(state, event.transactionToken)) break
      one.takeSide?.(event)
      const where = `entry ${index}, ${one.kind}`
      if (event.eventTimeMs < state.data[state.base + HEADER.watermark]!) {
        expectSameAsRebuilt(one, state, event, where)
        late++
      } else {
        one.keeper.read(state, event, new EntityReading(one.layout))
        one.keeper.advance(state, event)
      }
    }
    if ('isFraud' in entry) labels.set(transaction.transactionId, entry.isFraud)
  })
  return late
}

const expectSameAsRebuilt = (
  { layout, keeper, oracle }: Kept,
  state: EntityState,
  event: FeatureEngineer['event'],
  where: string,
): void => {
  const before = encodeState(layout, state)
  const rebuilt = decodeState(layout, separateBlocks, before, where)
  const [actual, expected] = [new EntityReading(layout), new EntityReading(layout)]
  keeper.read(state, event, actual)
  expectSameWords(encodeState(layout, state), before, `${where}: reading has changed the state`)
  oracle.read(rebuilt, event, expected)
  expect(told(actual), where).toStrictEqual(told(expected))
  keeper.advance(state, event)
  oracle.advance(rebuilt, event)
  expectSameWords(encodeState(layout, state), encodeState(layout, rebuilt), where)
}

/** Everything that features can ask of a reading. */
const told = (reading: EntityReading): object => {
  const { windows, risk, dimensions, kind: _, ...plain } = reading
  const run: FraudRun = { length: 0, payments: 0, totalMinor: 0, beganMs: 0, genuineMs: 0 }
  return {
    ...plain,
    windows: windows.map((window) => ({ ...window, distinct: [...window.distinct] })),
    risk: risk.map((window) => {
      window.readRun(run)
      return { name: window.name, labelled: window.labelled, frauds: window.frauds, run: { ...run } }
    }),
    dimensions: dimensions.map((one) => ({
      isNew: one.isNew(),
      share: one.share(),
      entropy: one.entropy(),
      isUsual: one.isUsual,
      ever: one.ever,
    })),
  }
}

const expectSameWords = (actual: Uint8Array, expected: Uint8Array, where: string): void => {
  if (Buffer.compare(actual, expected) === 0) return
  const [a, b] = [actual, expected].map((bytes) => new Float64Array(bytes.buffer))
  expect(a!.length, where).toBe(b!.length)
  const at = a!.findIndex((word, i) => !Object.is(word, b![i]))
  expect.fail(`${where}: word ${at} of the state is ${a![at]}, rebuilt it is ${b![at]}`)
}
