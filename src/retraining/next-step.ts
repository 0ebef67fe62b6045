import { VigiaError } from '../errors.ts'
import { comparePaired } from '../evaluation/paired-comparison.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { adjusting, proposing, restoring, watchingAdjusted } from './adjusting.ts'
import { censoredCounts, markRows } from './censoring.ts'
import type { Episode, EpisodeStatus, RecordFigure, TrainingOrder } from './episode.ts'
import { figuresOfComparison, judgeTraffic } from './judge-traffic.ts'
import { labelReadiness } from './label-readiness.ts'
import { triggerKey } from './retraining-book.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { ServingControl, TrainedEpisode } from './retraining-works.ts'
import type { NextStep, StepOutcome, StepParts } from './step.ts'
import { actsTowards, type WantedSources, wantedService } from './wanted-service.ts'

/** The next step of an episode that has not ended. Looks at the world, and changes nothing of it. */
export const nextStep = async (episode: Episode, parts: StepParts): Promise<NextStep> => {
  switch (episode.status) {
    case 'observed':
      return afterObserved(episode, parts)
    case 'adjusting':
      return adjusting(episode, parts)
    case 'restoring':
      return restoring(episode, parts)
    case 'held':
      return (await watchingAdjusted(episode, parts)) ?? wait(`data are broken: ${episode.why}`)
    case 'waiting':
      return (await watchingAdjusted(episode, parts)) ?? afterWaiting(episode, parts)
    case 'training':
      return training(episode, parts)
    case 'comparing':
      return comparing(trained(episode), parts)
    case 'shadow':
    case 'canary':
    case 'watching':
      return inService(trained(episode), parts)
    case 'promoting':
      return promoting(trained(episode), parts)
    case 'rolling_back':
      return rollingBack(trained(episode), parts)
    default:
      return wait('it has ended')
  }
}

const wait = (why: string, untilMs: number | null = null): NextStep => ({ kind: 'wait', why, untilMs })

const afterObserved = (episode: Episode, parts: StepParts): NextStep =>
  proposing(episode, parts) ?? {
    kind: 'act',
    what: 'wait for labels',
    why: episode.why,
    carryOut: async () => ({ to: 'waiting', why: 'a challenger needs labels that have matured' }),
  }

const afterWaiting = async (episode: Episode, parts: StepParts): Promise<NextStep> => {
  const { rules, nowMs, works } = parts
  // Scores may be found to have moved while an episode waits for other reasons.
  const proposed = proposing(episode, parts)
  if (proposed?.kind === 'act') return proposed
  const rested = restOf(episode, parts)
  if (rested !== undefined) return rested
  const fromMs = Math.min(episode.changedMs ?? nowMs, nowMs - rules.windowMs)
  const rows = await works.decided(fromMs, nowMs)
  const learntUntilMs = await works.learntUntil()
  const readiness = labelReadiness(rows, { ...episode, learntUntilMs }, nowMs, rules)
  const { order, matureDays, frauds, wanted } = readiness
  if (order === undefined) return wait(readiness.why, readiness.expectedMs)
  const marks = markRows(rows, nowMs, matureDays)
  const counts = censoredCounts(rows, marks, { fromMs: order.trainFromMs, toMs: order.judgedFromMs })
  return {
    kind: 'act',
    what: `train on ${dayOf(order.trainFromMs)} to ${dayOf(order.judgedFromMs)}, and compare on the days up to ${dayOf(order.judgedToMs)}`,
    why: `${frauds} frauds have matured, ${wanted} are needed`,
    carryOut: async () => ({
      to: 'training',
      why: `${frauds} frauds have matured, ${wanted} are needed`,
      change: { order, trainingMs: nowMs },
      figures: { ...figuresOfOrder(order), matureDays, maturedFrauds: frauds, ...counts },
    }),
  }
}

/** Cooldown and budget; undefined where neither is in the way. A person may ask at any time. */
const restOf = ({ model, kind }: Episode, { book, rules, nowMs }: StepParts): NextStep | undefined => {
  if (kind === 'request') return undefined
  const begun = [...book.episodes.values()]
    .flatMap((episode) =>
      episode.model === model && episode.trainingMs !== undefined ? [episode.trainingMs] : [],
    )
    .sort((a, b) => a - b)
  const last = begun.at(-1)
  if (last !== undefined && nowMs < last + rules.cooldownMs)
    return wait(`the last training began at ${timeOf(last)}: the cooldown`, last + rules.cooldownMs)
  const recent = begun.filter((atMs) => atMs > nowMs - rules.budgetMs)
  const freed = recent.at(-rules.budget)
  return freed === undefined
    ? undefined
    : wait(
        `${recent.length} trainings have begun lately: the budget is ${rules.budget}`,
        freed + rules.budgetMs,
      )
}

const figuresOfOrder = (order: TrainingOrder): Readonly<Record<string, RecordFigure>> => ({
  trainFrom: dayOf(order.trainFromMs),
  validationFrom: dayOf(order.validationFromMs),
  judgedFrom: dayOf(order.judgedFromMs),
  judgedTo: dayOf(order.judgedToMs),
  halfLifeDays: order.halfLifeMs === null ? null : order.halfLifeMs / DAY_MS,
  leftOutDays: order.leftOutDays.length,
})

const training = (episode: Episode, { works }: StepParts): NextStep => {
  const { order } = episode
  if (order === undefined) return wait('it has no rows to train on')
  return {
    kind: 'act',
    what: 'train the challenger',
    why: episode.why,
    carryOut: async (signal) => {
      const challenger = await works.train({ ...episode, order }, signal)
      return {
        to: 'comparing',
        why: `version ${challenger.version} is trained`,
        change: { challenger },
        figures: { version: challenger.version, source: challenger.source },
      }
    },
  }
}

const comparing = (episode: TrainedEpisode, { works, rules, control }: StepParts): NextStep => ({
  kind: 'act',
  what: 'compare the challenger with the champion on matured rows that neither has learnt from',
  why: episode.why,
  carryOut: async (signal) => {
    const rows = await works.score(episode, signal)
    const { alertsPerDay, resamples } = rules
    const comparison = comparePaired(rows, { alertsPerDay, resamples, random: createRandom(episode.id) })
    const figures = figuresOfComparison(comparison)
    const told = tellComparison(comparison.figures.averagePrecision)
    const change = { comparison }
    if (comparison.verdict !== 'better')
      return { to: 'refused', why: `tried, ${comparison.verdict}: ${told}`, change, figures }
    const gates = await works.passGates(episode, signal)
    if (!gates.isPassed) return { to: 'refused', why: `gates: ${gates.why}`, change, figures }
    const { champion } = await control.serving()
    return { to: 'shadow', why: `better: ${told}`, change: { ...change, before: champion }, figures }
  },
})

const tellComparison = ({
  champion,
  challenger,
  difference,
  low,
  high,
}: { readonly [Name in 'champion' | 'challenger' | 'difference' | 'low' | 'high']: number }): string =>
  `average precision ${challenger.toFixed(3)} for ${champion.toFixed(3)}, ${difference.toFixed(3)} more (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`

/** How long a challenger stays with a status, and what comes then. */
const STAGES = {
  shadow: { lengthOf: ({ shadowMs }: RetrainingRules) => shadowMs, next: 'canary' },
  canary: { lengthOf: ({ canaryMs }: RetrainingRules) => canaryMs, next: 'promoting' },
  watching: { lengthOf: ({ watchMs }: RetrainingRules) => watchMs, next: 'done' },
} as const satisfies Partial<Record<EpisodeStatus, unknown>>

const inService = async (episode: TrainedEpisode, parts: StepParts): Promise<NextStep> => {
  const { control, rules, works, nowMs, book } = parts
  const wanted = wantedService(episode, rules.canaryShare)
  const acts = wanted === undefined ? [] : actsTowards(wanted, await control.serving())
  if (wanted !== undefined && acts.length > 0) return serve(episode, wanted, acts, control)
  const stage = STAGES[episode.status as keyof typeof STAGES]
  const lengthMs = stage.lengthOf(rules)
  const traffic = await works.traffic(episode, episode.sinceMs, nowMs)
  const looks = Math.max(1, Math.ceil(lengthMs / DAY_MS))
  const random = createRandom(`${episode.id} ${episode.status} ${traffic.decisions}`)
  const { against, figures } = judgeTraffic(traffic, { ...rules, random, looks })
  if (against !== undefined)
    return act('put the champion back', against, { to: 'rolling_back', why: against, figures })
  const untilMs = episode.sinceMs + lengthMs
  if (nowMs < untilMs) return wait(`${episode.status} until ${timeOf(untilMs)}`, untilMs)
  if (traffic.decisions < rules.leastDecisions)
    return wait(
      `${traffic.decisions} decisions that both scored are too few: ${rules.leastDecisions} are needed`,
    )
  if (episode.status === 'watching') return finish(control, figures)
  if (book.quiet.get(triggerKey(episode.model, episode.champion, 'data_fault')) === 0)
    return wait('data are broken: nobody goes further on them')
  return act(`go on to ${stage.next}`, 'its time is over, and nothing speaks against it', {
    to: stage.next,
    why: `${episode.status} is over, and nothing speaks against it`,
    figures,
  })
}

const act = (what: string, why: string, outcome: StepOutcome): NextStep => ({
  kind: 'act',
  what,
  why,
  carryOut: async () => outcome,
})

const serve = (
  { status }: TrainedEpisode,
  wanted: WantedSources,
  acts: ReturnType<typeof actsTowards>,
  control: ServingControl,
): NextStep => {
  const what = acts.map((each) => each.what).join(', ')
  return {
    kind: 'act',
    what,
    why: `${status} wants it`,
    carryOut: async () => {
      for (const { carryOut } of acts) await carryOut(control)
      const missing = actsTowards(wanted, await control.serving())
      // Else the same step would be due for ever.
      if (missing.length > 0)
        throw new VigiaError('RETRAINING_NOT_SERVED', { what: missing.map((each) => each.what).join(', ') })
      return { to: status, why: what }
    },
  }
}

const finish = (control: ServingControl, figures: NonNullable<StepOutcome['figures']>): NextStep => ({
  kind: 'act',
  what: 'let the champion before it go',
  why: 'the watch is over',
  carryOut: async () => {
    await control.setShadow(null)
    return { to: 'done', why: 'the watch is over, and nothing speaks against it', figures }
  },
})

const promoting = (episode: TrainedEpisode, { works }: StepParts): NextStep => ({
  kind: 'act',
  what: `promote version ${episode.challenger.version}`,
  why: episode.why,
  carryOut: async (signal) => {
    const gates = await works.promote(episode, signal)
    return gates.isPassed
      ? { to: 'watching', why: gates.why }
      : { to: 'rolling_back', why: `gates: ${gates.why}` }
  },
})

const rollingBack = async (
  episode: TrainedEpisode,
  { works, control, rules }: StepParts,
): Promise<NextStep> => {
  const wanted = wantedService(episode, rules.canaryShare)
  const acts = wanted === undefined ? [] : actsTowards(wanted, await control.serving())
  return {
    kind: 'act',
    what: ['take the promotion back', ...acts.map(({ what }) => what)].join(', '),
    why: episode.why,
    carryOut: async () => {
      // The server first: what it does to customers ends before anything is written down.
      for (const { carryOut } of acts) await carryOut(control)
      await works.rollBack(episode)
      return { to: 'rolled_back', why: episode.why }
    },
  }
}

const trained = (episode: Episode): TrainedEpisode => episode as TrainedEpisode

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const timeOf = (ms: number): string => new Date(ms).toISOString()
