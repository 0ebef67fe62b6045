import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { AMOUNTS_ABOVE_ZERO, DEFAULT_AMOUNTS } from '../../src/transaction/amount-rules.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import { driveEngine } from '../oracle/drive-engine.ts'
import { type LogEntry, naiveFeatures } from '../oracle/naive-features.ts'
import { randomLog, SMALL_FIT, smallSettings } from '../oracle/random-histories.ts'
import { RATES, randomConfiguration, withRates } from '../oracle/random-settings.ts'

/**
 * Law: the engine gives every transaction of any history the features that naive loops give it, bit for bit.
 * It slides windows and remembers; the oracle (`oracle/naive-features.ts`) does neither: for each transaction
 * it looks through the whole log before it.
 *
 * @param share of the histories that are tried, 1 being some 1,400
 */
export const engineEqualsOracle = ({ share }: { readonly share: number }): void => {
  /** Seeded, so that a red run is red for everybody. */
  const law = (logs: fc.Arbitrary<LogEntry[]>, holds: (log: LogEntry[]) => void, histories: number): void =>
    fc.assert(fc.property(logs, holds), { numRuns: Math.ceil(share * histories), seed: 20_260_327 })

  describe('the engine', () => {
    test('gives every transaction of any history exactly the features that the naive loops give it', () => {
      law(randomLog(40), (log) => expectOracle(log, smallSettings()), 400)
    })

    test('agrees whatever entities, attributes, categories and base currency a bank declares, with users or without', () => {
      fc.assert(
        fc.property(randomConfiguration, randomLog(40), RATES, ({ settings, fitted }, log, rates) =>
          expectOracle(withRates(stepwise(log, settings), settings, rates), settings, () => true, fitted),
        ),
        { numRuns: Math.ceil(share * 300), seed: 20_260_327 },
      )
    })

    test('agrees on long histories too, where rings and tables grow', () => {
      law(randomLog(250, 12), (log) => expectOracle(log, smallSettings()), 12)
    })

    test('counts by steps what has left a full ring, labels too', () => {
      // So late that none is too late; a second, a minute and an hour are the steps.
      for (const latenessMs of [60e3, 3600e3 * 2, 86400e3 * 4]) {
        for (const ringEvents of [4, 8]) {
          const settings = smallSettings({ ringEvents, latenessMs })
          law(randomLog(60, 1).map(withoutRepeats), (log) => expectOracle(log, settings), 50)
          law(randomLog(60).map(withoutLabels), (log) => expectOracle(log, settings), 20)
        }
      }
    })

    test('counts distinct values of windows exactly although a small table forgets values', () => {
      const settings = smallSettings({ dimensionValues: 4 })
      law(
        randomLog(60, 9, [0, 1, 2, 5]),
        (log) => expectOracle(log, settings, (name) => !isOfTable(name)),
        200,
      )
    })

    test('knows where a forgotten value stands in the ring when it comes again late', () => {
      const pay = (seconds: number, merchantId: string, n: number): LogEntry => ({
        transaction: {
          transactionId: `t${n}`,
          userId: 'ada',
          merchantId,
          eventTimeMs: 1e12 + seconds * 1000,
          amountMinor: 100,
        },
      })
      // The table holds four: f pushes a out. Then a comes late, before its place in the ring, and again in
      // time: when a's old place leaves the ten seconds, a is still there once.
      const visits = ['a', 'b', 'c', 'd', 'f'].map((merchant, i) => pay(5 + i, merchant, i))
      const log = [...visits, pay(3, 'a', 6), pay(10, 'a', 7), pay(16, 'c', 8)]
      expectOracle(log, smallSettings({ dimensionValues: 4 }), (name) => !isOfTable(name))
    })

    test('labels every copy of a transaction that was too late for its user, and in time for its device', () => {
      const at = (seconds: number, n: number, deviceId?: string): Transaction => ({
        transactionId: `t${n}`,
        userId: 'ada',
        eventTimeMs: 1e12 + seconds * 1000,
        amountMinor: 100,
        ...(deviceId !== undefined && { deviceId }),
      })
      // Ada has paid at 40, so 19 is too late for her, and each time new; the device has seen nothing yet.
      const old = at(19, 1, 'phone')
      const log: LogEntry[] = [{ transaction: at(40, 0) }, { transaction: old }, { transaction: old }]
      // The label is corrected, which must reach both copies as well.
      const labels = [true, false].map((isFraud) => ({ labelOf: old, isFraud }))
      log.push(...labels, { transaction: at(50, 2, 'phone') })
      expectOracle(log, smallSettings())
      const { driver, vectors } = driveEngine(log, smallSettings(), SMALL_FIT)
      const last = (name: string) =>
        (vectors.at(-1) as Float64Array)[driver.engineer.featureNames.indexOf(name)]
      expect([last('device_labelled_count_10s'), last('device_risk_10s')]).toEqual([2, 0])
    })

    test('agrees by other rules of amounts: other decimals, and amounts above 0 alone', () => {
      const others = [{ decimals: 0 }, { decimals: 3, zero: false }, { refunds: false }, AMOUNTS_ABOVE_ZERO]
      for (const rules of others) {
        const settings = smallSettings({}, { ...DEFAULT_AMOUNTS, ...rules })
        law(randomLog(40).map(ofRules(settings)), (log) => expectOracle(log, settings), 60)
      }
    })

    test('gives the features that there were before refunds the same bits wherever no refund came', () => {
      const before = smallSettings({}, AMOUNTS_ABOVE_ZERO)
      law(
        randomLog(60).map(ofRules(before)),
        (log) => {
          const [old, now] = [before, smallSettings()].map((settings) =>
            driveEngine(log, settings, SMALL_FIT),
          )
          const columns = old!.driver.engineer.featureNames.map((name) =>
            now!.driver.engineer.featureNames.indexOf(name),
          )
          const sameFeatures = now!.vectors.map((vector) =>
            vector === 'repeated' ? vector : Float64Array.from(columns, (column) => vector[column]!),
          )
          expectSame(sameFeatures, old!.vectors)
        },
        60,
      )
    })

    test('takes no notice of a transaction that comes again: no state changes', () => {
      law(
        randomLog(40),
        (log) => {
          let before = ''
          driveEngine(log, smallSettings(), SMALL_FIT, (driver, index) => {
            const entry = log[index]!
            if (!('transaction' in entry)) return
            before = driver.fingerprint()
            const again = driver.take(entry)
            // One that was too late was never remembered, so it is too late again, which is counted.
            if (again === 'repeated') expect(driver.fingerprint()).toBe(before)
          })
        },
        60,
      )
    })

    test('goes on with states read back from bytes as if they had never slept', () => {
      for (const bounds of [{}, { ringEvents: 4, dimensionValues: 4 }]) {
        law(
          randomLog(60, 9),
          (log) => {
            const settings = smallSettings(bounds)
            const awake = driveEngine(log, settings, SMALL_FIT)
            const sleeper = driveEngine(log, settings, SMALL_FIT, (driver) => driver.sleepAndWake())
            expectSame(sleeper.vectors, awake.vectors)
            expect(sleeper.driver.fingerprint()).toBe(awake.driver.fingerprint())
          },
          60,
        )
      }
    })

    test('ends with the same windows whatever the order in which transactions in time arrived', () => {
      const settings = smallSettings({ latenessMs: 3_600_000_000 })
      law(
        randomLog(30),
        (log) => {
          const transactions = log.filter((entry) => 'transaction' in entry)
          const ordered = transactions.toSorted(
            (a, b) => a.transaction.eventTimeMs - b.transaction.eventTimeMs,
          )
          const unique = <T extends { transaction: { transactionId: string } }>(all: T[]): T[] =>
            [
              ...new Map(all.toReversed().map((one) => [one.transaction.transactionId, one])).values(),
            ].toReversed()
          const last = ordered.at(-1)
          if (last === undefined) return
          const probe = { transaction: { ...last.transaction, transactionId: 'probe' } }
          const [incremental, rebuilt] = [unique(transactions), unique(ordered)].map((entries) =>
            driveEngine([...entries, probe], settings, SMALL_FIT),
          )
          const { featureNames } = incremental!.driver.engineer
          const a = incremental!.vectors.at(-1) as Float64Array
          const b = rebuilt!.vectors.at(-1) as Float64Array
          featureNames.forEach((name, i) => {
            if (/_(10|60|90)s$/.test(name)) expect([name, a[i]]).toEqual([name, b[i]])
          })
        },
        100,
      )
    })

    test('counts what left early, what came late and what came too late', () => {
      const at = (seconds: number, n: number): LogEntry => ({
        transaction: {
          transactionId: `t${n}`,
          userId: 'ada',
          eventTimeMs: 1e12 + seconds * 1000,
          amountMinor: 100,
        },
      })
      // Five within a minute in a ring of four; then one 20 s behind, which is in time, and one 21 s behind,
      // which is not.
      const log = [at(50, 1), at(51, 2), at(52, 3), at(53, 4), at(54, 5), at(34, 6), at(33, 7)]
      const { driver } = driveEngine(log, smallSettings({ ringEvents: 4 }), SMALL_FIT)
      expect([driver.counted('late'), driver.counted('tooLate')]).toEqual([1, 1])
      expect(driver.counted('truncated')).toBe(2)
    })
  })
}

/** A transaction that comes again when it has left the ring is another one, of which labels know nothing. */
const withoutRepeats = (log: readonly LogEntry[]): LogEntry[] => {
  const seen = new Set<string>()
  return log.filter((entry) => {
    if (!('transaction' in entry)) return true
    const { transactionId } = entry.transaction
    return !seen.has(transactionId) && seen.add(transactionId)
  })
}

/**
 * What a step knows of labels, where rings are small: nothing of copies, nor that a transaction came too late
 * for it. Only labels of transactions that no entity can have refused are left.
 */
const stepwise = (log: readonly LogEntry[], { limits }: FeatureSettings): LogEntry[] => {
  const { ringEvents, latenessMs } = limits['user']!
  if (ringEvents > log.length) return [...log]
  let latestMs = Number.NEGATIVE_INFINITY
  const refused = new Set<string>()
  return withoutRepeats(log).filter((entry) => {
    if (!('transaction' in entry)) return !refused.has(entry.labelOf.transactionId)
    const { transactionId, eventTimeMs } = entry.transaction
    if (eventTimeMs < latestMs - latenessMs) refused.add(transactionId)
    latestMs = Math.max(latestMs, eventTimeMs)
    return true
  })
}

const withoutLabels = (log: readonly LogEntry[]): LogEntry[] => log.filter((entry) => 'transaction' in entry)

/** The same log with amounts that the rules of `settings` have. */
const ofRules =
  ({ options: { amounts } }: FeatureSettings) =>
  (log: readonly LogEntry[]): LogEntry[] => {
    const allowed = (transaction: Transaction): Transaction => {
      const size = Math.abs(transaction.amountMinor)
      const amountMinor =
        size === 0 && !amounts.zero ? 1 : amounts.refunds ? transaction.amountMinor || size : size
      return { ...transaction, amountMinor }
    }
    return log.map((entry) =>
      'transaction' in entry
        ? { transaction: allowed(entry.transaction) }
        : { ...entry, labelOf: allowed(entry.labelOf) },
    )
  }

/** Features that tell of remembered values; a table at its bound forgets the value unseen longest. */
const isOfTable = (name: string): boolean =>
  /_is_new$|_is_usual$|_entropy$|_(location|device|merchant|category|note)_share$|^user_device_count$|^device_user_count$/.test(
    name,
  )

const expectOracle = (
  log: readonly LogEntry[],
  settings: FeatureSettings,
  compares: (name: string) => boolean = () => true,
  fitted: FittedFeatures = SMALL_FIT,
): void => {
  const expected = naiveFeatures(log, settings, fitted)
  const { driver, vectors } = driveEngine(log, settings, fitted)
  const { featureNames } = driver.engineer
  expect(vectors.length).toBe(expected.length)
  expected.forEach((values, index) => {
    const vector = vectors[index]!
    if (values === 'repeated' || vector === 'repeated') {
      expect(vector).toBe(values)
      return
    }
    if (values.size !== featureNames.length)
      expect([...values.keys()].sort()).toEqual([...featureNames].sort())
    featureNames.forEach((name, column) => {
      if (!compares(name) || Object.is(vector[column], values.get(name))) return
      expect.fail(`transaction ${index}: ${name} is ${vector[column]}, the oracle says ${values.get(name)}`)
    })
  })
}

const expectSame = (
  actual: readonly (Float64Array | 'repeated')[],
  expected: readonly (Float64Array | 'repeated')[],
): void => expect(actual).toStrictEqual(expected)
