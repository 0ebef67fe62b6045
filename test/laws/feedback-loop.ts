import { rowWeight } from '../../src/dataset/split/row-weights.ts'
import { createControlSampler } from '../../src/decisions/control-sample.ts'
import { exp } from '../../src/foundation/elementary/exponential.ts'
import { createRandom, type Random } from '../../src/foundation/random.ts'
import { fitAlone } from '../../src/learning/algorithm.ts'
import { gradientBoosting } from '../../src/learning/algorithms/gradient-boosting.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import { collectEvents, type LoggedDecision } from '../../src/performance/logged-events.ts'
import { type RecallFigures, recallFigures } from '../../src/performance/recall-figures.ts'

/*
 * A bank whose model blocks what it flags and is trained again on what became known: the feedback loop. Of
 * what is blocked nobody learns the truth, so that each model learns from what the one before left over.
 */

/** What training is given of what was blocked. */
export const POLICIES = [
  'everything_known',
  'blocked_is_genuine',
  'blocked_left_out',
  'control_sample',
] as const
export type Policy = (typeof POLICIES)[number]

export interface FeedbackLoopSettings {
  readonly seed: number
  /** Decisions between two trainings. */
  readonly rows: number
  readonly retrainings: number
  /** Share of what reaches the threshold that the control sample lets through. */
  readonly letThrough: number
  /** Share of the others that it draws for review. */
  readonly review: number
  readonly trees: number
  /** How far frauds move between two trainings, in standard deviations of a feature; 0: not at all. */
  readonly drift: number
}

/** What came of one policy: of each model on the decisions after its training, the first one's first. */
export interface FeedbackLoop {
  /** Frauds that reached the threshold of all there were, let through or not. */
  readonly recalls: readonly number[]
  /** Amounts of frauds let through of those of all frauds, over the whole run. */
  readonly lostShare: number
  /** As the log tells it over all models, and what it was: the control sample's policy alone. */
  readonly figures: (RecallFigures & { readonly truth: number }) | undefined
}

const FEATURES = 6
const FRAUD_SHARE = 0.01
/** Flagged each time: some more than there are frauds. */
const ALERT_SHARE = 0.012
/** Of the frauds that pass, those whose customers notice. */
const NOTICED = 0.9
/** Trainings see the decisions of so many rounds. */
const WINDOW = 3
const MOST_AMOUNT_MINOR = 50_000
const DAY_MS = 86_400_000

/** Decisions of one round; features by column. */
interface Round {
  readonly columns: readonly Float64Array[]
  readonly truth: Uint8Array
  readonly amountsMinor: Float64Array
}

/** Rows to learn from: of one round, by its number. */
interface Learnt {
  readonly round: Round
  readonly labels: Uint8Array
  readonly weights: Float64Array
}

/** Runs one policy over the decisions of a seed, which are the same for all policies. */
export const runFeedbackLoop = (settings: FeedbackLoopSettings, policy: Policy): FeedbackLoop => {
  const { seed, rows, retrainings } = settings
  const random = createRandom(`feedback ${seed}`)
  const roundAt = (round: number): Round =>
    drawRound(random.fork(`round ${round}`), rows, settings.drift * round)
  // Before there was a model nothing was blocked: all became known.
  let learnt: Learnt[] = Array.from({ length: WINDOW }, (_, round) => allKnown(roundAt(round)))
  const logged = collectEvents<LoggedDecision>({ flagged: 'blocked' })
  const recalls: number[] = []
  const sums = { lost: 0, frauds: 0, reached: 0, count: 0 }
  for (let n = 0; n <= retrainings; n++) {
    const round = roundAt(WINDOW + n)
    const scores = scoresOf(learnt, round, settings)
    const threshold = Float64Array.from(scores).sort()[Math.floor(rows * (1 - ALERT_SHARE))]!
    const decided = decide(round, scores, threshold, n, policy, settings)
    recalls.push(decided.reached / decided.frauds)
    sums.lost += decided.lost
    sums.frauds += decided.fraudAmount
    sums.reached += decided.reached
    sums.count += decided.frauds
    for (const one of decided.log) {
      logged.decide(one.decision)
      if (one.label !== undefined) logged.label(one.label)
    }
    learnt = [...learnt.slice(1), decided.learnt]
  }
  const window = { fromMs: 0, toMs: (retrainings + 1) * DAY_MS, asOfMs: (retrainings + 2) * DAY_MS }
  return {
    recalls,
    lostShare: sums.lost / sums.frauds,
    figures:
      policy === 'control_sample'
        ? { ...recallFigures(logged, window), truth: sums.reached / sums.count }
        : undefined,
  }
}

const allKnown = (round: Round): Learnt => ({
  round,
  labels: round.truth,
  weights: new Float64Array(round.truth.length).fill(1),
})

/** Three kinds of frauds, each off in features of its own; honest rows around the middle, some far out. */
const KINDS = [
  { share: 0.5, at: [3.6, 0, 0, 1.2, 0, 0] },
  { share: 0.3, at: [0, -3.6, 2.4, 0, 0, 0] },
  { share: 0.2, at: [0, 0, 0, 0, 3.6, -2.4] },
]

const drawRound = (random: Random, rows: number, moved: number): Round => {
  const columns = Array.from({ length: FEATURES }, () => new Float64Array(rows))
  const truth = new Uint8Array(rows)
  const amountsMinor = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const isFraud = random.next() < FRAUD_SHARE
    truth[row] = Number(isFraud)
    amountsMinor[row] = Math.round(5000 * exp(random.normal()))
    const draw = random.next()
    const kind = draw < KINDS[0]!.share ? 0 : draw < KINDS[0]!.share + KINDS[1]!.share ? 1 : 2
    const spread = isFraud ? 0.8 : random.next() < 0.1 ? 1.7 : 1
    for (let f = 0; f < FEATURES; f++) {
      // Frauds wander along the next feature.
      const off = isFraud ? KINDS[kind]!.at[f]! + (f === (kind + 3) % FEATURES ? moved : 0) : 0
      columns[f]![row] = off + spread * random.normal()
    }
  }
  return { columns, truth, amountsMinor }
}

const scoresOf = (learnt: readonly Learnt[], round: Round, settings: FeedbackLoopSettings): Float64Array => {
  const names = Array.from({ length: FEATURES }, (_, f) => `x${f}`)
  // Rows of weight 0 are left out, as the split step does.
  const places = learnt.map(({ weights }) => Array.from(weights.keys()).filter((row) => weights[row]! > 0))
  const gather = (valuesOf: (part: Learnt) => ArrayLike<number>): Float64Array =>
    Float64Array.from(places.flatMap((rows, part) => rows.map((row) => valuesOf(learnt[part]!)[row]!)))
  const columns = names.map((_, f) => gather(({ round: { columns: of } }) => of[f]!))
  const labels = gather((part) => part.labels)
  const weights = gather((part) => part.weights)
  const model = fitAlone(
    gradientBoosting,
    { table: { names, rowCount: labels.length, columns }, labels, weights },
    {
      trees: settings.trees,
      learningRate: 0.1,
      maxDepth: 4,
      minChildWeight: 1,
      l2: 1,
      categoryPenalty: 0,
      minGain: 0,
      rowShare: 1,
      columnShare: 1,
      earlyStoppingRounds: 0,
      classWeight: 'none',
      monotone: {},
      maxBins: 255,
    },
    settings.seed,
  )
  const scores = new Float64Array(round.truth.length)
  const table = { names, rowCount: scores.length, columns: round.columns }
  createModelScorer(model, { method: 'none' }).scoreMany(table, scores)
  return scores
}

interface Told {
  readonly decision: LoggedDecision
  readonly label:
    | { readonly transactionId: string; readonly isFraud: boolean; readonly receivedAtMs: number }
    | undefined
}

/** Answers one round, and says what becomes known of it. */
const decide = (
  round: Round,
  scores: Float64Array,
  threshold: number,
  number: number,
  policy: Policy,
  { letThrough, review, seed }: FeedbackLoopSettings,
) => {
  const rows = scores.length
  const sampler =
    policy === 'control_sample'
      ? createControlSampler({
          letThrough,
          review,
          mostAmountMinor: { other: MOST_AMOUNT_MINOR },
          except: {},
          salt: `bank ${seed}`,
        })
      : undefined
  const random = createRandom(`customers ${seed} ${number}`)
  const learnt: Learnt = {
    round,
    labels: new Uint8Array(rows),
    weights: new Float64Array(rows).fill(1),
  }
  const log: Told[] = []
  const sums = { frauds: 0, reached: 0, fraudAmount: 0, lost: 0 }
  for (let row = 0; row < rows; row++) {
    const isFraud = round.truth[row] === 1
    const amountMinor = round.amountsMinor[row]!
    const isReached = scores[row]! >= threshold
    const transactionId = `${number}-${row}`
    const transaction = { transactionId, eventTimeMs: 0, amountMinor }
    const controlSample = sampler?.draw(transaction, isReached)
    const drawn = controlSample?.drawn
    const isFlagged = isReached && drawn !== 'let_through'
    const isNoticed = random.next() < NOTICED
    const isFound = drawn === 'let_through' || drawn === 'review'
    const isKnownFraud = isFraud && !isFlagged && (isFound || isNoticed)
    learnt.labels[row] = Number(policy === 'everything_known' ? isFraud : isKnownFraud)
    learnt.weights[row] = weightOf(policy, isFlagged, drawn, controlSample?.propensity ?? null)
    sums.frauds += Number(isFraud)
    sums.reached += Number(isFraud && isReached)
    sums.fraudAmount += isFraud ? amountMinor : 0
    sums.lost += isFraud && drawn === 'let_through' ? amountMinor : 0
    if (sampler === undefined) continue
    const decidedAtMs = (number + row / rows) * DAY_MS
    const decision = { transaction, decidedAtMs, probability: scores[row]!, isFlagged, controlSample }
    const isTold = isFound || isKnownFraud
    log.push({
      decision,
      label: isTold ? { transactionId, isFraud, receivedAtMs: decidedAtMs + DAY_MS } : undefined,
    })
  }
  return { ...sums, learnt, log }
}

const weightOf = (
  policy: Policy,
  isFlagged: boolean,
  drawn: string | undefined,
  propensity: number | null,
): number => {
  if (policy === 'everything_known' || policy === 'blocked_is_genuine') return 1
  const decision = drawn === 'let_through' || drawn === 'review' ? drawn : isFlagged ? 'flag' : undefined
  if (decision === undefined) return 1
  return rowWeight(
    { decision, propensity, toldBy: decision === 'flag' ? null : 'sample' },
    { flagged: 'blocked', unlabelled: 'genuine_after_delay' },
  )
}
