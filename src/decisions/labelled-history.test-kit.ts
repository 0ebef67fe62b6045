import { createRandom } from '../foundation/random.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Decisions } from './decisions.ts'
import { testModel } from './inference.test-kit.ts'
import type { Feedback } from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { LogEntry } from './log/log-record.ts'

const MODEL = testModel()

/** Transactions of which nobody tells anything are genuine after its delay of 30 seconds. */
export const GENUINE_MODEL: LoadedModel = {
  ...MODEL,
  settings: { ...MODEL.settings, unlabelled: 'genuine_after_delay' },
}

/** What happens next: a transaction, or something that becomes known of one. */
export type Step = { readonly transaction: Transaction } | { readonly feedback: Feedback }

/** Number of the transaction that labels of nobody are told of: it never comes. */
const NEVER = 10_000

/**
 * Transactions up to 15 seconds behind one another, and labels of all kinds: before their transaction, after
 * it, after the delay, corrected, taken back, told twice, with the transaction and without.
 */
export const labelledHistory = (seed: number, transactions: number): readonly Step[] => {
  const random = createRandom(seed)
  const below = (end: number): number => Math.floor(random.next() * end)
  const steps: Step[] = []
  const tell = (n: number): void => {
    const isFraud = ([true, true, false, null] as const)[below(4)]!
    const transaction = random.next() < 0.3 ? { transaction: payment(n) } : {}
    steps.push({ feedback: { transactionId: `t${n}`, isFraud, ...transaction } })
  }
  let clockMs = 1e12
  const times: number[] = []
  for (let n = 0; n < transactions; n++) {
    clockMs += below(7) * 1000
    times.push(clockMs - (random.next() < 0.3 ? below(15_000) : 0))
  }
  const payment = (n: number): Transaction => ({
    transactionId: `t${n}`,
    userId: `u${n % 4}`,
    merchantId: n % 3 === 0 ? 'shop' : 'café',
    deviceId: `d${n % 5}`,
    eventTimeMs: times[n] ?? clockMs,
    amountMinor: 100 + n,
  })
  for (let n = 0; n < transactions; n++) {
    if (random.next() < 0.15) tell(n + below(6))
    steps.push({ transaction: payment(n) })
    while (random.next() < 0.4) tell(Math.max(0, n - below(random.next() < 0.2 ? n + 1 : 25)))
    if (random.next() < 0.03) tell(NEVER)
  }
  return steps
}

/** Takes steps one after the other, each by the next of these. @returns what was answered */
export const takeSteps = async (
  steps: readonly Step[],
  next: () => Pick<Decisions, 'predict' | 'applyFeedback'>,
): Promise<readonly string[]> => {
  const answers: string[] = []
  for (const step of steps) {
    if ('feedback' in step) answers.push(await next().applyFeedback(step.feedback))
    else answers.push(String((await next().predict(step.transaction, 0)).probability))
  }
  return answers
}

/** What a log says of decisions and labels, without the times at which and the places where it says so. */
export const saidBy = (entries: readonly LogEntry[]): readonly unknown[] =>
  entries.map((entry) => {
    if (entry.kind === 'decision') return [entry.decision.transaction.transactionId, ...entry.vector]
    if (entry.kind === 'repair') return entry.repair
    const { transactionId, isFraud, known, isApplied, isWaiting, origin } = entry.label
    return { transactionId, isFraud, known, isApplied, isWaiting, origin }
  })
