import { describe, expect, test } from 'vitest'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { DecisionEntry } from '../decisions/log/log-record.ts'
import { DAY_MS } from '../foundation/days.ts'
import { logistic } from '../foundation/elementary/exponential.ts'
import { createRandom } from '../foundation/random.ts'
import { contentsOf, LINEAR } from '../model/artifact.test-kit.ts'
import { decodeArtifact, encodeArtifact } from '../model/artifact.ts'
import { createScorer } from '../model/scorer.ts'
import type { Episode } from '../retraining/episode.ts'
import { DEFAULT_RULES } from '../retraining/retraining-rules.ts'
import type { ToldDecision } from './decisions-of-log.ts'
import { proposeThreshold, type ThresholdOfService } from './threshold-of-service.ts'

const START = Date.UTC(2026, 0, 1)
const START_DAY = START / DAY_MS
const at = (day: number): number => START + day * DAY_MS
const EPISODE = { changedMs: at(3), movedMs: at(3), leftOutDays: [] as number[] } as unknown as Episode
const RULES = { ...DEFAULT_RULES, leastDecisions: 100, leastFrauds: 100 }
/** x, 0: a raw probability of logistic(x) in an artifact that calibrates nothing. */
const MODEL = {
  ...LINEAR,
  means: [0, 0],
  scales: [1, 1],
  coefficients: [1, 0],
  intercept: 0,
}

const championOf = (threshold: number): LoadedModel => {
  const contents = contentsOf(MODEL)
  const manifest = { ...contents.manifest, threshold, calibration: { method: 'none' as const } }
  const artifact = decodeArtifact(encodeArtifact({ ...contents, manifest }), 'test')
  return {
    key: 'own',
    artifact,
    scorer: createScorer(artifact),
    description: { name: 'fraud', version: '3', source: 'models:/fraud@production' },
  } as unknown as LoadedModel
}

interface Bank {
  /** How much higher x is from day 3 on. */
  readonly shift: number
  readonly days: number
  /** Odds of fraud, as a multiple of those that the raw probability says; labels are known after a day. */
  readonly odds?: number
}

/** A thousand decisions a day, every other row of another model. */
const serviceOf = ({ shift, days, odds }: Bank, threshold = 0.8): ThresholdOfService => {
  const random = createRandom('threshold')
  const rows: ToldDecision[] = []
  const features = new Map<string, Float64Array>()
  for (let row = 0; row < 2000 * days; row++) {
    const eventTimeMs = START + (row * DAY_MS) / 2000
    const x = random.normal() - 2 + (eventTimeMs >= at(3) ? shift : 0)
    const raw = logistic(x)
    const isFraud = random.next() < ((odds ?? 1) * raw) / (1 - raw + (odds ?? 1) * raw)
    const toldMs = eventTimeMs + DAY_MS
    const isTold = odds !== undefined && (isFraud || raw >= threshold) && toldMs <= at(days)
    const transaction = { transactionId: `t${row}`, eventTimeMs, amountMinor: 100 }
    const decision = {
      transaction,
      probability: raw,
      isFlagged: raw >= threshold,
      model: row % 2 === 0 ? 'own' : 'other',
    } as unknown as DecisionEntry
    features.set(transaction.transactionId, Float64Array.of(x, 0))
    rows.push({
      decision,
      isFraud: isTold ? isFraud : null,
      toldMs: isTold ? toldMs : Number.NaN,
      origin: isTold ? (raw >= threshold ? 'alert' : 'customer') : null,
    })
  }
  const within = (fromMs: number, toMs: number) =>
    rows.filter(
      ({ decision: { transaction } }) => transaction.eventTimeMs >= fromMs && transaction.eventTimeMs < toMs,
    )
  return {
    champion: championOf(threshold),
    flagged: 'reviewed',
    told: async (fromMs, toMs) => within(fromMs, toMs),
    eachOwn: async (model, { fromMs, toMs }, visit) => {
      for (const { decision } of within(fromMs, toMs))
        if (decision.model === model.key) visit(decision, features.get(decision.transaction.transactionId)!)
    },
  }
}

describe('a threshold to the budget of a service', () => {
  test('is made from whole days since the change, of what the champion itself decided', async () => {
    const service = serviceOf({ shift: 1, days: 4.5 })
    const asked = { ...RULES, alertsPerDay: 20 }
    const proposal = await proposeThreshold(service, EPISODE, asked, at(4.5))
    expect(proposal).toMatchObject({
      present: 0.8,
      presentRescaled: 0.8,
      alertsPerDay: 20,
      rows: 1000,
      days: 1,
      champion: 'models:/fraud/3',
      calibration: null,
      calibrationWhy: 'it stays: 0 of 100 frauds since the change are known',
    })
    // Of scores a standard deviation higher the highest 2 % begin at logistic(-2 + 1 + 2.05).
    expect((proposal as { threshold: number }).threshold).toBeCloseTo(logistic(1.05), 1)
  })

  test('is made from a week at most, and from no day whose data were broken', async () => {
    const service = serviceOf({ shift: 1, days: 14 })
    const asked = { ...RULES, alertsPerDay: 20 }
    expect(await proposeThreshold(service, EPISODE, asked, at(14))).toMatchObject({ days: 7, rows: 7000 })
    const broken = { ...EPISODE, leftOutDays: [START_DAY + 3, START_DAY + 5] }
    expect(await proposeThreshold(service, broken, asked, at(8))).toMatchObject({ days: 3, rows: 3000 })
  })

  test('stays where it meets the budget: the scores of before the change say nothing', async () => {
    const service = serviceOf({ shift: 0, days: 6 }, logistic(0.05))
    // Of a standard deviation of one about -2 two in a hundred are above .05: 17.3 of a thousand were.
    const kept = await proposeThreshold(service, EPISODE, { ...RULES, alertsPerDay: 18 }, at(6))
    expect(kept).toMatchObject({ kept: expect.stringContaining('already') })
  })

  test('is one of probabilities that are calibrated anew where labels have matured', async () => {
    const service = serviceOf({ shift: 1, days: 12, odds: 0.25 })
    const proposal = await proposeThreshold(service, EPISODE, { ...RULES, alertsPerDay: 20 }, at(12))
    expect(proposal).toMatchObject({ alertsPerDay: 20, calibrationWhy: expect.stringMatching(/^Platt's/) })
    const { calibration, presentRescaled, threshold } = proposal as Exclude<typeof proposal, { kept: string }>
    // Odds that are a quarter: log(1 / 4) less.
    expect(calibration!.intercept).toBeCloseTo(-1.39, 0)
    expect(presentRescaled).toBeLessThan(0.65)
    expect(threshold).not.toBeCloseTo(presentRescaled, 2)
  })

  test('is one of the present probabilities where too few frauds are known', async () => {
    const service = serviceOf({ shift: 1, days: 5, odds: 4 })
    const proposal = await proposeThreshold(
      service,
      EPISODE,
      { ...RULES, alertsPerDay: 20, leastFrauds: 2000 },
      at(5),
    )
    expect(proposal).toMatchObject({
      calibration: null,
      calibrationWhy: expect.stringMatching(/^it stays: \d+ of 2000 frauds/),
    })
  })
})
