/*
 * Ten retrainings of a model that blocks what it flags: how much recall is left where blocked transactions
 * count as genuine, where they are left out, and where a control sample stands for them. The figures of
 * docs/performance-monitoring.md; seeded.
 *
 *   npx tsx scripts/measure-feedback-loop.ts          ten seeds, some minutes
 *   npx tsx scripts/measure-feedback-loop.ts quick    three seeds of fewer rows, a minute or two
 */
import { type FeedbackLoop, POLICIES, type Policy, runFeedbackLoop } from '../test/laws/feedback-loop.ts'

const isQuick = process.argv[2] === 'quick'
const SEEDS = isQuick ? 3 : 10
const SIZE = isQuick ? { rows: 30_000, trees: 40 } : { rows: 100_000, trees: 80 }
const RETRAININGS = 10

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const points = (change: number): string => `${change > 0 ? '+' : ''}${(100 * change).toFixed(1)}`

/** Of a run: recall of the first model and of the last one, the worst of all after it, and their mean. */
const summaryOf = ({ recalls }: FeedbackLoop) => {
  const after = recalls.slice(1)
  return { first: recalls[0]!, last: recalls.at(-1)!, worst: Math.min(...after), mean: mean(after) }
}

const tell = (drift: number, letThrough: number): void => {
  const runsOf = (policy: Policy): FeedbackLoop[] =>
    Array.from({ length: SEEDS }, (_, seed) =>
      runFeedbackLoop({ ...SIZE, seed, retrainings: RETRAININGS, letThrough, review: 0.005, drift }, policy),
    )
  console.log(
    `\n${SEEDS} seeds of ${SIZE.rows} decisions between trainings; frauds move by ${drift} sd; ${percent(letThrough)} let through`,
  )
  console.log('policy, recall of the first model, after ten retrainings, worst, mean; change in points; lost')
  let known: number[] | undefined
  for (const policy of POLICIES) {
    const runs = runsOf(policy)
    const summaries = runs.map(summaryOf)
    const of = (key: keyof ReturnType<typeof summaryOf>): number => mean(summaries.map((one) => one[key]))
    known ??= summaries.map((one) => one.mean)
    // Beside a bank that learns the truth of all: what the policy costs, apart from what drift does.
    const beside = mean(summaries.map((one, seed) => one.mean - known![seed]!))
    console.log(
      [
        policy,
        percent(of('first')),
        percent(of('last')),
        percent(of('worst')),
        percent(of('mean')),
        `${points(of('last') - of('first'))} by the end`,
        `${points(beside)} beside all known`,
        `frauds let through ${percent(mean(runs.map(({ lostShare }) => lostShare)))} of their amount`,
      ].join(', '),
    )
    tellEstimates(runs)
  }
}

const tellEstimates = (runs: readonly FeedbackLoop[]): void => {
  const figures = runs.flatMap((run) => (run.figures === undefined ? [] : [run.figures]))
  if (figures.length === 0) return
  const held = figures.filter(
    ({ truth, byControlSample: { recall } }) => recall.low <= truth && truth <= recall.high,
  )
  const width = mean(figures.map(({ byControlSample: { recall } }) => recall.high - recall.low))
  console.log(
    `  recall in truth ${percent(mean(figures.map(({ truth }) => truth)))}, as seen ${percent(mean(figures.map(({ asSeen }) => asSeen.value)))}, by the control sample ${percent(mean(figures.map(({ byControlSample }) => byControlSample.recall.value)))}; inside its interval ${held.length} of ${figures.length}, width ${percent(width)}`,
  )
}

if (isQuick) tell(0, 0.1)
else {
  for (const letThrough of [0.02, 0.05]) tell(0, letThrough)
  tell(0.1, 0.05)
}
