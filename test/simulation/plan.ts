import { createRandom, type Random } from '../../src/foundation/random.ts'
import type { Durability } from '../../src/ports/prediction-log.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import type { DiskTrouble } from './disk.ts'
import type { StoreTrouble } from './owned-store.ts'

/** How the servers of a run are set up. */
export interface Setup {
  /** One process with states of its own, or two that share a store. */
  readonly states: 'owned' | 'shared'
  readonly durability: Durability
  readonly segmentBytes: number
  readonly cacheBytes: number
  readonly saveAfterMs: number
  /** Whether transactions without a label become genuine. */
  readonly unlabelled: boolean
  /** Whether chance lets through some of what reaches the threshold, and chooses others for review. */
  readonly sampled: boolean
}

/** What a client wants. It asks again, with the same words, until it has an answer. */
export type Wish =
  | { readonly kind: 'decide'; readonly transaction: Transaction }
  | {
      readonly kind: 'label'
      readonly transactionId: string
      readonly isFraud: boolean | null
      /** Says whose the transaction was. */
      readonly transaction?: Transaction
    }
  | { readonly kind: 'find'; readonly transactionId: string }
  | { readonly kind: 'archive' }
  | { readonly kind: 'model'; readonly version: number }

export interface Request {
  readonly atMs: number
  readonly wish: Wish
  /** How often the network delivers it, from 1. */
  readonly copies: number
  /** How many of its first answers are lost. */
  readonly lostAnswers: number
}

/**
 * What goes wrong. Times are milliseconds of the run; points are turns of processes and calls of their
 * disk.
 */
export type Fault = Crash | Trouble

/** The process whose turn it is ends, or all do, and the disk forgets what was not synced. */
export interface Crash {
  readonly kind: 'kill' | 'power'
  /** A turn of a process, or a call of its disk, counted from the beginning. */
  readonly point?: number
  /** The same of calls that bring a file to the disk: when one begins, nothing of what it brings is there. */
  readonly sync?: number
}

export type Trouble =
  | { readonly kind: 'disk'; readonly trouble: DiskTrouble; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'store'; readonly trouble: StoreTrouble; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'network'; readonly share: number; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly byMs: number; readonly atMs: number }
  /** The owner stands still; in a takeover another server is started meanwhile. */
  | { readonly kind: 'pause' | 'takeover'; readonly atMs: number; readonly forMs: number }
  /** The shared store loses everything. */
  | { readonly kind: 'empty'; readonly atMs: number }

/** All that a run is made of: the same plan gives the same history. */
export interface Plan {
  readonly seed: string
  readonly setup: Setup
  readonly requests: readonly Request[]
  readonly faults: readonly Fault[]
  /** Whether the last server is killed before it is closed. */
  readonly endsKilled: boolean
}

/** When the run begins by the clock on the wall. */
export const START_MS = Date.UTC(2026, 2, 27, 8, 59)
/** From here on nothing goes wrong any more. */
export const QUIET_MS = 24_000
const DAY_MS = 86_400_000

/** The plan of a seed. */
export const planOf = (seed: string): Plan => {
  const random = createRandom(`plan ${seed}`)
  const setup = drawSetup(random.fork('setup'))
  const requests = drawRequests(random.fork('requests'), setup)
  const faults = drawFaults(random.fork('faults'), setup)
  return {
    seed,
    setup,
    requests: [...requests, ...drawLooks(random.fork('looks'), setup, requests, faults)],
    faults,
    endsKilled: random.next() < 0.3,
  }
}

/**
 * The same plan with its crashes so many points later, or earlier: what a crash at one point has found, it
 * finds some points beside when the code takes other turns than it took.
 */
export const withMovedCrashes = (plan: Plan, by: number): Plan => ({
  ...plan,
  faults: plan.faults.map((fault) =>
    'point' in fault && fault.point !== undefined
      ? { ...fault, point: Math.max(0, fault.point + by) }
      : fault,
  ),
})

const pick = <T>(random: Random, values: readonly T[]): T => values[random.integer(values.length)]!

const drawSetup = (random: Random): Setup => {
  const states = random.next() < 0.75 ? 'owned' : 'shared'
  return {
    states,
    durability: random.next() < 0.5 ? 'process' : 'power',
    segmentBytes: pick(random, [3000, 12_000, 1 << 20]),
    cacheBytes: pick(random, [25_000, 1 << 30, 1 << 30]),
    saveAfterMs: pick(random, [2000, 4000, 40_000]),
    unlabelled: states === 'owned' && random.next() < 0.4,
    // Drawn last: the rest of a plan is what it was before there was a sample.
    sampled: random.next() < 0.3,
  }
}

const drawRequests = (random: Random, setup: Setup): Request[] => {
  const transactions = drawTransactions(random)
  const wishes: { atMs: number; wish: Wish }[] = transactions.map((transaction, i) => ({
    atMs: 500 + (i / transactions.length) * 18_000 + random.next() * 3000,
    wish: { kind: 'decide', transaction },
  }))
  const add = (wish: Wish): number => wishes.push({ atMs: 500 + random.next() * 21_000, wish })
  for (let n = random.integer(transactions.length); n > 0; n--) {
    const transaction = pick(random, transactions)
    const { transactionId } = transaction
    const isFraud = pick(random, [true, true, false, null])
    add({ kind: 'label', transactionId, isFraud, ...(random.next() < 0.3 && { transaction }) })
  }
  for (let n = random.integer(4); n > 0; n--)
    add({ kind: 'find', transactionId: pick(random, transactions).transactionId })
  if (setup.states === 'owned') for (let n = random.integer(3); n > 0; n--) add({ kind: 'archive' })
  if (random.next() < 0.3) add({ kind: 'model', version: 2 })
  if (random.next() < 0.2) {
    // Another transaction under the same name.
    const transaction = pick(random, transactions)
    add({ kind: 'decide', transaction: { ...transaction, amountMinor: transaction.amountMinor + 1 } })
  }
  // In some runs requests come together.
  const beatMs = pick(random, [1, 1, 2000])
  return wishes
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, wish }) => ({
      atMs: Math.round(atMs / beatMs) * beatMs,
      wish,
      copies: random.next() < 0.15 ? 2 : 1,
      lostAnswers: random.next() < 0.15 ? 1 : 0,
    }))
}

/** A server that could not write its log reads it again within so long, and for some milliseconds. */
const RECOVERED_MS = 1300

/** In some runs many look back at what was decided just before the disk failed, while it is made again. */
const drawLooks = (
  random: Random,
  { states }: Setup,
  requests: readonly Request[],
  faults: readonly Fault[],
): Request[] => {
  const looks: Request[] = []
  for (const fault of faults) {
    const isFailing = fault.kind === 'disk' && (fault.trouble === 'full' || fault.trouble === 'failing')
    if (!isFailing || states !== 'owned' || random.next() < 0.5) continue
    const recent = requests.flatMap(({ atMs, wish }) =>
      wish.kind === 'decide' && atMs > fault.atMs - 4000 && atMs < fault.atMs
        ? [wish.transaction.transactionId]
        : [],
    )
    if (recent.length === 0) continue
    for (let n = 0; n < 30; n++)
      looks.push({
        atMs: fault.atMs + fault.forMs + random.next() * RECOVERED_MS,
        wish: { kind: 'find', transactionId: pick(random, recent) },
        copies: 1,
        lostAnswers: 0,
      })
  }
  return looks
}

/** Few entities, so that they meet; gaps, so that windows, delays and lateness are passed. */
const drawTransactions = (random: Random): Transaction[] => {
  const transactions: Transaction[] = []
  let clockMs = START_MS
  const count = 6 + random.integer(18)
  for (let i = 0; i < count; i++) {
    clockMs += pick(random, [0, 1000, 5000, 10_000, 30_000])
    const odd = random.next()
    let eventTimeMs = clockMs - pick(random, [0, 0, 0, 3000, 25_000])
    if (odd < 0.02) eventTimeMs -= 3 * DAY_MS
    else if (odd < 0.03) eventTimeMs += 3 * DAY_MS
    transactions.push({
      transactionId: `t${i + 1}`,
      eventTimeMs,
      amountMinor: 100 + random.integer(3000),
      userId: `u${random.integer(3)}`,
      ...(random.next() < 0.9 && { merchantId: `m${random.integer(2)}` }),
      ...(random.next() < 0.7 && { deviceId: `d${random.integer(2)}` }),
      ...(random.next() < 0.5 && { merchantCategory: pick(random, ['food', 'Food', 'games']) }),
    })
  }
  // Everything that is still due comes due with it.
  transactions.push({
    transactionId: 'last',
    eventTimeMs: clockMs + 200_000,
    amountMinor: 1,
    userId: 'u0',
    merchantId: 'm0',
  })
  return transactions
}

const drawFaults = (random: Random, { states, durability }: Setup): Fault[] => {
  const faults: Fault[] = []
  const atMs = (): number => Math.round(random.next() * (QUIET_MS - 2000))
  const forMs = (): number => Math.round(100 + random.next() * 4000)
  const crashes: ('kill' | 'power')[] =
    durability === 'power' ? ['kill', 'power', 'power'] : ['kill', 'kill', 'kill', 'power']
  const draws: [share: number, draw: () => Fault][] = [
    [0.7, () => ({ kind: pick(random, crashes), point: random.integer(1500) })],
    [0.5, () => ({ kind: pick(random, crashes), point: random.integer(4000) })],
    [0.3, () => ({ kind: pick(random, crashes), point: random.integer(8000) })],
    [durability === 'power' ? 0.8 : 0, () => ({ kind: 'power', sync: random.integer(40) })],
    [
      0.3,
      () => ({
        kind: 'disk',
        trouble: pick(random, ['full', 'failing', 'slow', 'stuck']),
        atMs: atMs(),
        forMs: forMs(),
      }),
    ],
    [
      0.3,
      () => ({
        kind: 'store',
        trouble: pick(random, ['failing', 'slow', 'stuck']),
        atMs: atMs(),
        forMs: forMs(),
      }),
    ],
    [0.25, () => ({ kind: 'network', share: random.next(), atMs: atMs(), forMs: forMs() })],
    [
      0.2,
      () => ({
        kind: 'clock',
        byMs: Math.round((random.next() - 0.5) * pick(random, [5000, 7_200_000])),
        atMs: atMs(),
      }),
    ],
    [0.1, () => ({ kind: 'pause', atMs: atMs(), forMs: forMs() })],
    [
      states === 'owned' ? 0.25 : 0,
      () => ({ kind: 'takeover', atMs: atMs() / 3, forMs: 8000 + random.integer(9000) }),
    ],
    [states === 'shared' ? 0.3 : 0, () => ({ kind: 'empty', atMs: atMs() })],
  ]
  for (const [share, draw] of draws) if (random.next() < share) faults.push(draw())
  return faults
}
