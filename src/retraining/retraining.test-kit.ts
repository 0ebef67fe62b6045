import { createMemoryJournalPlace, type MemoryJournalPlace } from '../adapters/memory/memory-journal.ts'
import type { PairedRows } from '../evaluation/paired-comparison.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { type DecidedEvent, type DecidedRows, decidedRows } from '../performance/decided-rows.ts'
import type { Journal } from '../ports/journal.ts'
import { openJournaled } from '../ports/journaled.ts'
import { type Advanced, type AdvanceOptions, advanceRetraining } from './advance-retraining.ts'
import type { Challenger, DerivedVersion } from './episode.ts'
import type {
  ConceptFound,
  DataFaultFound,
  RetrainingFinding,
  RetrainingLook,
  ShiftFound,
} from './finding.ts'
import {
  EMPTY_RETRAINING,
  type RetrainingBook,
  type RetrainingEntry,
  withRetraining,
} from './retraining-book.ts'
import { DEFAULT_RULES, type RetrainingRules } from './retraining-rules.ts'
import type {
  AdjustedTraffic,
  GateAnswer,
  RetrainingWorks,
  ServedSourcesNow,
  ServedTraffic,
} from './retraining-works.ts'
import type { ThresholdKept } from './threshold-to-budget.ts'

export { DAY_MS } from '../foundation/days.ts'

/** Midnight of a day whose number is easy to read: day 0 of every test. */
export const START_MS = Date.UTC(2026, 0, 1)
export const dayMs = (day: number): number => START_MS + day * DAY_MS

export const RULES: RetrainingRules = {
  ...DEFAULT_RULES,
  leastFrauds: 40,
  leastJudgedFrauds: 40,
  leastDecisions: 10,
  resamples: 100,
  horizonDays: 20,
}

export const SHIFT: ShiftFound = {
  kind: 'covariate_shift',
  severity: 'critical',
  movedScores: true,
  sinceMs: dayMs(0),
  what: 'scores, amount_log',
}
export const CONCEPT: ConceptFound = {
  kind: 'concept_drift',
  severity: 'severe',
  sinceMs: dayMs(0),
  what: 'precision',
}
export const FAULT: DataFaultFound = { kind: 'data_fault', faults: ['unit of amount'], days: [2] }

export const MODEL = 'fraud'

export const lookOn = (
  day: number,
  findings: readonly RetrainingFinding[],
  champion = '3',
): RetrainingLook => ({ id: `daily ${day}`, model: MODEL, champion, findings })

/** A journal on which some processes work, and what they know of it. */
export const openRetraining = (journal: Journal<RetrainingEntry>) =>
  openJournaled<RetrainingEntry, RetrainingBook>(journal, { empty: EMPTY_RETRAINING, add: withRetraining })

/** Frauds of a day of a bank that is watched, and when they are told of. */
const FRAUDS_A_DAY = 10
const HONEST_A_DAY = 10

/**
 * Decisions of the days [from, to): of ten frauds a day six are flagged and known a day later, four are
 * missed and known after five.
 */
export const bankOfDays = (from: number, to: number): readonly DecidedEvent[] => {
  const events: DecidedEvent[] = []
  for (let day = from; day < to; day++)
    for (let row = 0; row < FRAUDS_A_DAY + HONEST_A_DAY; row++) {
      const isFraud = row < FRAUDS_A_DAY
      const flagged = row < 6
      const decidedAtMs = dayMs(day) + row * 60_000
      events.push({
        decidedAtMs,
        score: flagged ? 0.9 : 0.1,
        flagged,
        amountMinor: 1000,
        segment: '',
        label: isFraud ? 1 : null,
        knownAtMs: isFraud ? decidedAtMs + (flagged ? 1 : 5) * DAY_MS : null,
        origin: isFraud ? (flagged ? 'alert' : 'customer') : null,
        propensity: null,
      })
    }
  return events
}

/**
 * Rows whose scores are normal about `lift` standard deviations higher for frauds, apart for each model: one
 * user a row, a fraud in ten.
 */
export const pairOf = (
  seed: number | string,
  [champion, challenger]: readonly [lift: number, lift: number],
  count = 2000,
): PairedRows => {
  const random = createRandom(seed)
  const labels = Uint8Array.from({ length: count }, () => Number(random.next() < 0.1))
  const scores = (lift: number): Float64Array =>
    Float64Array.from(labels, (label) => lift * label + random.normal())
  return {
    labels,
    users: Uint32Array.from(labels, (_, row) => row),
    days: Int32Array.from(labels, (_, row) => row % 10),
    amountsMinor: Float64Array.from(labels, () => 100 + random.integer(900)),
    champion: scores(champion),
    challenger: scores(challenger),
  }
}

const decidedBy = new Map<number, DecidedRows>()

/** The bank's decisions up to a day: made once, since a law plays the same days a thousand times. */
const decidedUpTo = (day: number): DecidedRows => {
  const rows = decidedBy.get(day) ?? decidedRows(bankOfDays(-20, day))
  decidedBy.set(day, rows)
  return rows
}

/** A bank with a server and a registry, in memory: what was asked of it, and what it answers. */
export interface SimulatedWorks extends RetrainingWorks {
  /** Every act, in order: `train r1`, `shadow models:/fraud/4`. */
  readonly done: string[]
  readonly served: { now: ServedSourcesNow }
  /** Versions by alias. */
  readonly aliases: Record<string, string>
  readonly control: AdvanceOptions['control']
}

export interface SimulatedAnswers {
  /** How much better frauds are told from others, by champion and challenger. */
  lifts: readonly [number, number]
  gates: GateAnswer
  traffic: (status: string) => ServedTraffic
  /** Why the threshold stays; undefined: one is proposed. */
  kept: ThresholdKept | undefined
  /** What a champion with another threshold decided. */
  adjustedTraffic: () => AdjustedTraffic
  /** Thrown by an act of this name, as often as it says. */
  faults: Map<string, number>
  /** The day up to which the bank has decisions. */
  today: () => number
}

export const quietTraffic: ServedTraffic = {
  decisions: 1000,
  days: 1,
  championAlerts: 100,
  challengerAlerts: 100,
  pairs: undefined,
}

export const quietAlerts: AdjustedTraffic = { decisions: 1000, alerts: 100, alertsBefore: 300 }

/** A better challenger, and a service in which nothing happens, but for what a test wants otherwise. */
export const simulatedAnswers = (
  otherwise: Partial<SimulatedAnswers> & Pick<SimulatedAnswers, 'today'>,
): SimulatedAnswers => ({
  lifts: [1, 3],
  gates: { isPassed: true, why: 'passed every gate' },
  traffic: () => quietTraffic,
  kept: undefined,
  adjustedTraffic: () => quietAlerts,
  faults: new Map(),
  ...otherwise,
})

export const createWorks = (answers: SimulatedAnswers): SimulatedWorks => {
  const done: string[] = []
  const served = {
    now: { champion: 'models:/fraud/3', shadow: null, canary: null } as ServedSourcesNow,
  }
  const aliases: Record<string, string> = { production: '3' }
  const doing = (what: string): void => {
    const name = what.split(' ')[0]!
    const left = answers.faults.get(name) ?? 0
    if (left > 0) {
      answers.faults.set(name, left - 1)
      throw new Error(`no ${name}`)
    }
    done.push(what)
  }
  const challengers = new Map<string, Challenger>()
  const derived = new Map<string, DerivedVersion>()
  const nextVersion = (): string => String(4 + challengers.size + derived.size)
  return {
    done,
    served,
    aliases,
    decided: async () => decidedUpTo(answers.today()),
    learntUntil: async () => dayMs(-20),
    proposeThreshold: async (_, { alertsPerDay }) => {
      doing('propose')
      if (answers.kept !== undefined) return answers.kept
      const moved = { threshold: 0.6, present: 0.5, presentRescaled: 0.5, presentAlertsPerDay: 300 }
      const rows = { rows: 1000, days: 1, champion: served.now.champion }
      return { ...moved, ...rows, alertsPerDay, calibration: null, calibrationWhy: 'it stays' }
    },
    derive: async ({ id }) => {
      doing(`derive ${id}`)
      const version = nextVersion()
      const made = derived.get(id) ?? { source: `models:/fraud/${version}`, version, key: version }
      derived.set(id, made)
      return made
    },
    adopt: async ({ adjusted }) => {
      doing(`adopt ${adjusted.version}`)
      aliases['production'] = adjusted.version
    },
    restore: async ({ adjusted }) => {
      doing(`restore ${adjusted.before}`)
      aliases['production'] = adjusted.before.split('/').at(-1)!
    },
    adjustedTraffic: async () => answers.adjustedTraffic(),
    train: async ({ id }) => {
      doing(`train ${id}`)
      const version = nextVersion()
      const made = challengers.get(id) ?? { source: `models:/fraud/${version}`, version, run: `runs/${id}` }
      challengers.set(id, made)
      return made
    },
    score: async ({ id }) => {
      doing('score')
      return pairOf(id, answers.lifts)
    },
    passGates: async () => {
      doing('gates')
      return answers.gates
    },
    promote: async ({ challenger }) => {
      doing(`promote ${challenger.version}`)
      if (answers.gates.isPassed) aliases['production'] = challenger.version
      return answers.gates
    },
    rollBack: async ({ challenger, before }) => {
      doing(`rollback ${challenger.version}`)
      aliases['production'] = before!.split('/').at(-1)!
    },
    traffic: async ({ status }) => answers.traffic(status),
    control: {
      serving: async () => {
        if ((answers.faults.get('serving') ?? 0) > 0) doing('serving')
        return served.now
      },
      switchTo: async (source) => {
        doing(`switch ${source}`)
        served.now = { ...served.now, champion: source }
      },
      setShadow: async (source) => {
        doing(`shadow ${source ?? 'none'}`)
        served.now = { ...served.now, shadow: source }
      },
      setCanary: async (source, share) => {
        doing(`canary ${source ?? 'none'}`)
        served.now = { ...served.now, canary: source === null ? null : { source, share } }
      },
    },
  }
}

/** A bank that is looked at each day; the clock is the test's. */
export interface Desk {
  readonly works: SimulatedWorks
  readonly answers: SimulatedAnswers
  readonly place: MemoryJournalPlace<RetrainingEntry>
  day: number
  /** The book as another process reads it. */
  book(): Promise<RetrainingBook>
  /** Takes a look in, and steps until nothing is due any more. @returns what each step came to */
  look(...findings: readonly RetrainingFinding[]): Promise<readonly Advanced[]>
  /** Days that pass with steps and without looks. */
  pass(days: number): Promise<readonly Advanced[]>
  step(changes?: Partial<AdvanceOptions>): Promise<Advanced>
}

export const openDesk = (
  changes: Partial<SimulatedAnswers> & { readonly rules?: Partial<RetrainingRules> } = {},
): Desk => {
  const { rules: otherRules, ...otherAnswers } = changes
  const rules = { ...RULES, ...otherRules }
  const place = createMemoryJournalPlace<RetrainingEntry>()
  const answers = simulatedAnswers({ today: () => desk.day + 1, ...otherAnswers })
  const works = createWorks(answers)
  const step = (more: Partial<AdvanceOptions> = {}): Promise<Advanced> =>
    advanceRetraining({
      model: MODEL,
      change: openRetraining(place.open()),
      works,
      control: works.control,
      rules,
      now: () => dayMs(desk.day + 1),
      by: 'vigia',
      signal: new AbortController().signal,
      ...more,
    })
  const settle = async (first: Partial<AdvanceOptions> = {}): Promise<readonly Advanced[]> => {
    const all = [await step(first)]
    while (all.at(-1)!.kind === 'moved') all.push(await step())
    return all
  }
  const desk: Desk = {
    works,
    answers,
    place,
    day: 0,
    step,
    book: () => openRetraining(place.open())((book) => ({ result: book })),
    async look(...findings) {
      const champion = works.served.now.champion.split('/').at(-1)!
      const all = await settle({ look: lookOn(desk.day, findings, champion) })
      desk.day++
      return all
    },
    async pass(days) {
      const all: Advanced[] = []
      for (let passed = 0; passed < days; passed++) {
        all.push(...(await settle()))
        desk.day++
      }
      return all
    },
  }
  return desk
}

/** Statuses through which the episodes of a book went, in order. */
export const statusesOf = ({ records }: RetrainingBook): readonly string[] =>
  records.filter(({ from, to }) => from !== to).map(({ to }) => to)
