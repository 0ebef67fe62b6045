import { DAY_MS } from '../../foundation/days.ts'
import type { AmountRules } from '../../transaction/amount-rules.ts'
import type { Entity, EntityFeature } from '../../transaction/entities.ts'
import { wordOf } from '../entity-words.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { deviationIn, type Money, meanIn, moneyOf, relativeToEarlier } from '../payments.ts'
import { windowText, yesOrNo } from '../phrase.ts'
import { refundsInWindow } from '../refund-features.ts'
import { SIDE_FEATURES } from '../side-features.ts'
import type { FraudRun } from '../state/reading.ts'

const SECOND_MS = 1_000
const ONWARDS = Number.POSITIVE_INFINITY

/** What is known of the entities that the bank declares beside user, merchant and device. */
export const entities: FeatureFamily = {
  name: 'entities',
  title: 'Entities',
  meaning:
    'What is known of the entities that `entities` declares beside user, merchant and device: for each, what its `features`, `distinct` and `habits` ask for.',
  features: ({ entities: own, standardEntities, amounts: rules }) =>
    [...standardEntities, ...own].flatMap((entity) => featuresOf(entity, own, rules)),
}

const featuresOf = (entity: Entity, all: readonly Entity[], rules: AmountRules): readonly Feature[] => [
  ...entity.features
    .filter((feature) => feature !== 'refunds' || rules.refunds)
    .flatMap((feature) => FEATURES[feature](entity, moneyOf(rules))),
  ...entity.distinct.flatMap((other) => entity.windows.map((window) => distinct(entity, other, window, all))),
  ...entity.habits.flatMap((other) => habits(entity, other, all)),
]

const ofWindow = (name: string, { word }: Entity): string => `${word} in the last ${windowText(name)}`

const missingOf = ({ word }: Entity): string => `missing when the transaction names no ${word}`

const counts = (entity: Entity): readonly Feature[] =>
  entity.windows.map((window) => ({
    name: `${entity.name}_tx_count_${window}`,
    meaning: `Transactions of the ${ofWindow(window, entity)}, this one included.`,
    unit: 'transactions',
    range: [1, ONWARDS],
    missing: missingOf(entity),
    phrase: {
      text: `${entity.word} has made {} in the last ${windowText(window)}`,
      at: { 1: `only transaction of the ${ofWindow(window, entity)}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).window(window)
      return () => reading.count
    },
  }))

const amounts = (entity: Entity, { unit }: Money): readonly Feature[] =>
  entity.windows.flatMap((window): Feature[] => [
    {
      name: `${entity.name}_total_amount_${window}`,
      meaning: `Sum of the payments of the ${ofWindow(window, entity)}, this one included.`,
      unit: 'currency',
      range: [0, ONWARDS],
      missing: missingOf(entity),
      phrase: {
        text: `amounts of the ${ofWindow(window, entity)} come to {}`,
        missing: `no ${entity.word} given`,
      },
      bind: (sources) => {
        const reading = sources.entity(entity.name).windowPayments(window)
        return () => reading.totalMinor / unit
      },
    },
    {
      name: `${entity.name}_mean_amount_${window}`,
      meaning: `Mean of the payments of the ${ofWindow(window, entity)}, this one included.`,
      unit: 'currency',
      range: [0, ONWARDS],
      missing: missingOf(entity),
      phrase: {
        text: `mean amount of the ${ofWindow(window, entity)} is {}`,
        missing: `no ${entity.word} given`,
      },
      bind: (sources) => {
        const reading = sources.entity(entity.name).windowPayments(window)
        return () => meanIn(reading) / unit
      },
    },
  ])

const spread = (entity: Entity, { unit }: Money): readonly Feature[] =>
  entity.windows.map((window) => ({
    name: `${entity.name}_std_amount_${window}`,
    meaning: `Sample standard deviation of the payments of the ${ofWindow(window, entity)}, this one included.`,
    unit: 'currency',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 when this is the only transaction`,
    phrase: {
      text: `amounts of the ${ofWindow(window, entity)} vary by {}`,
      at: { 0: `amounts of the ${ofWindow(window, entity)} are all alike` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).windowSquares(window)
      return () => deviationIn(reading) / unit
    },
  }))

const maximum = (entity: Entity, { unit }: Money): readonly Feature[] =>
  entity.windows.map((window) => ({
    name: `${entity.name}_max_amount_${window}`,
    meaning: `Largest payment of the ${ofWindow(window, entity)}, this one included.`,
    unit: 'currency',
    range: [0, ONWARDS],
    missing: missingOf(entity),
    phrase: {
      text: `largest amount of the ${ofWindow(window, entity)} is {}`,
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).windowMaximum(window)
      return () => reading.maximumMinor / unit
    },
  }))

const life = (entity: Entity): readonly Feature[] => [
  {
    name: `${entity.name}_tx_count_life`,
    meaning: `Transactions of the ${entity.word} before this one.`,
    unit: 'transactions',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 for its first`,
    phrase: {
      text: `${entity.word} has made {} before`,
      at: { 0: `first transaction of the ${entity.word}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).life()
      return () => reading.earlierCount
    },
  },
  {
    name: `${entity.name}_amount_to_mean`,
    meaning: `This amount divided by the mean of the earlier payments of the ${entity.word}.`,
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 1 for its first`,
    phrase: {
      text: `amount is {} times the mean of the ${entity.word}`,
      at: { 1: `amount is the mean of the ${entity.word}, or its first` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).lifePayments()
      const { transaction } = sources
      return () => relativeToEarlier(transaction.amountMinor, reading)
    },
  },
]

const time = (entity: Entity): readonly Feature[] => [
  {
    name: `${entity.name}_seconds_since_last`,
    meaning: `Seconds since the transaction of the ${entity.word} just before this one.`,
    unit: 'seconds',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}, or when none is known`,
    phrase: {
      text: `{} since the last transaction of the ${entity.word}`,
      at: { 0: `at the same moment as the last transaction of the ${entity.word}` },
      missing: `no earlier transaction of the ${entity.word}`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).life()
      const { transaction } = sources
      return () => Math.max(0, transaction.eventTimeMs - reading.lastTimeMs) / SECOND_MS
    },
  },
  {
    name: `${entity.name}_age`,
    meaning: `Days since the first transaction of the ${entity.word}.`,
    unit: 'days',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 for its first`,
    phrase: {
      text: `{} since the first transaction of the ${entity.word}`,
      at: { 0: `moment of the first transaction of the ${entity.word}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).life()
      const { transaction } = sources
      return () =>
        reading.earlierCount === 0 ? 0 : Math.max(0, transaction.eventTimeMs - reading.firstTimeMs) / DAY_MS
    },
  },
]

const risk = (entity: Entity): readonly Feature[] =>
  entity.riskWindows.flatMap((window): Feature[] => [
    {
      name: `${entity.name}_labelled_count_${window}`,
      meaning: `Transactions of the ${entity.word} in the ${window} that end one label delay ago, whose label is known.`,
      unit: 'transactions',
      range: [0, ONWARDS],
      missing: `${missingOf(entity)}; 0 when there are none`,
      phrase: {
        text: `${entity.word} has {} in the last ${windowText(window)} of known labels`,
        at: { 0: `${entity.word} has no transaction in the last ${windowText(window)} of known labels` },
        missing: `no ${entity.word} given`,
      },
      bind: (sources) => {
        const reading = sources.entity(entity.name).risk(window)
        return () => reading.labelled
      },
    },
    {
      name: `${entity.name}_risk_${window}`,
      meaning: `Share of frauds among the labelled transactions of the ${entity.word} in the ${window} that end one label delay ago.`,
      unit: 'share',
      range: [0, 1],
      missing: `${missingOf(entity)}; 0 when there are none`,
      phrase: {
        text: `{} of the transactions of the ${entity.word} in the last ${windowText(window)} of known labels were fraud`,
        at: { 0: `no fraud of the ${entity.word} in the last ${windowText(window)} of known labels` },
        missing: `no ${entity.word} given`,
      },
      bind: (sources) => {
        const reading = sources.entity(entity.name).risk(window)
        return () => (reading.labelled === 0 ? 0 : reading.frauds / reading.labelled)
      },
    },
  ])

/** The frauds in a row that the latest known labels are, within the longest of the risk windows. */
const run = (entity: Entity, { unit }: Money): readonly Feature[] => {
  const known = `known labels of the ${entity.word} in the ${entity.riskWindows.at(-1)!} that end one label delay ago`
  const isGenuine = `the last known label of the ${entity.word} is no fraud`
  const sinceGenuine = 'when the latest is genuine, or none is known'
  return [
    {
      name: `${entity.name}_fraud_run`,
      meaning: `Frauds in a row among the ${known}, from the latest back to the last genuine one.`,
      unit: 'transactions',
      range: [0, ONWARDS],
      missing: `${missingOf(entity)}; 0 ${sinceGenuine}`,
      phrase: {
        text: `the last {} of the ${entity.word} whose labels are known were fraud`,
        at: { 0: isGenuine },
        missing: `no ${entity.word} given`,
      },
      bind: ofRun(entity, ({ length }) => length),
    },
    {
      name: `${entity.name}_fraud_run_age`,
      meaning: `Days since the first of the frauds in a row among the ${known}.`,
      unit: 'days',
      range: [0, ONWARDS],
      missing: `${missingOf(entity)}, or ${sinceGenuine}`,
      phrase: { text: `{} since the frauds of the ${entity.word} began`, missing: isGenuine },
      bind: ofRun(entity, ({ beganMs }, nowMs) => daysSince(beganMs, nowMs)),
    },
    {
      name: `${entity.name}_fraud_run_mean_amount`,
      meaning: `Mean of the payments among the frauds in a row of the ${known}.`,
      unit: 'currency',
      range: [0, ONWARDS],
      missing: `${missingOf(entity)}, or ${sinceGenuine}, or without payments`,
      phrase: { text: `mean amount of the latest frauds of the ${entity.word} is {}`, missing: isGenuine },
      bind: ofRun(entity, ({ payments, totalMinor }) => totalMinor / payments / unit),
    },
    {
      name: `${entity.name}_genuine_age`,
      meaning: `Days since the latest genuine transaction among the ${known}.`,
      unit: 'days',
      range: [0, ONWARDS],
      missing: `${missingOf(entity)}, or when none is known to be genuine`,
      phrase: {
        text: `{} since a transaction of the ${entity.word} was known to be genuine`,
        missing: `no transaction of the ${entity.word} is known to be genuine`,
      },
      bind: ofRun(entity, ({ genuineMs }, nowMs) => daysSince(genuineMs, nowMs)),
    },
  ]
}

const ofRun =
  ({ name, riskWindows }: Entity, value: (run: FraudRun, nowMs: number) => number): Feature['bind'] =>
  (sources) => {
    const reading = sources.entity(name).risk(riskWindows.at(-1)!)
    const { transaction } = sources
    const run: FraudRun = {
      length: 0,
      payments: 0,
      totalMinor: 0,
      beganMs: Number.NaN,
      genuineMs: Number.NaN,
    }
    return () => {
      reading.readRun(run)
      return value(run, transaction.eventTimeMs)
    }
  }

/** Of what is too late, windows end after its own time. */
const daysSince = (momentMs: number, nowMs: number): number => Math.max(0, nowMs - momentMs) / DAY_MS

const refunds = (entity: Entity, money: Money): readonly Feature[] =>
  entity.windows.flatMap((window) => refundsInWindow(entity, window, money))

const FEATURES: Readonly<Record<EntityFeature, (entity: Entity, money: Money) => readonly Feature[]>> = {
  counts,
  amounts,
  spread,
  maximum,
  refunds,
  life,
  time,
  risk,
  run,
  ...SIDE_FEATURES,
}

const distinct = (entity: Entity, other: string, window: string, all: readonly Entity[]): Feature => ({
  name: `${entity.name}_distinct_${other}_${window}`,
  meaning: `Different values of ${wordOf(other, all)} among the transactions of the ${ofWindow(window, entity)}, this one included.`,
  unit: 'values',
  range: [0, ONWARDS],
  missing: `${missingOf(entity)}; 0 when no transaction names a ${wordOf(other, all)}`,
  phrase: {
    text: `${entity.word} has been seen with {} of ${wordOf(other, all)} in the last ${windowText(window)}`,
    at: {
      0: `${entity.word} has been seen with no ${wordOf(other, all)} in the last ${windowText(window)}`,
    },
    missing: `no ${entity.word} given`,
  },
  bind: (sources) => sources.entity(entity.name).distinct(window, other),
})

const habits = (entity: Entity, other: string, all: readonly Entity[]): readonly Feature[] => [
  {
    name: `${entity.name}_${other}_is_new`,
    meaning: `The ${entity.word} has not been seen with this ${wordOf(other, all)} before.`,
    unit: 'boolean',
    range: [0, 1],
    missing: `${missingOf(entity)} or no ${wordOf(other, all)}; 1 for the first`,
    phrase: yesOrNo(
      `${wordOf(other, all)} is new to the ${entity.word}`,
      `${entity.word} has been seen with the ${wordOf(other, all)} before`,
      `no ${entity.word} or no ${wordOf(other, all)} given`,
    ),
    bind: (sources) => {
      const reading = sources.entity(entity.name).dimension(other)
      return () => reading.isNew()
    },
  },
  {
    name: `${entity.name}_${other}_share`,
    meaning: `Share of the earlier transactions of the ${entity.word} with this ${wordOf(other, all)}.`,
    unit: 'share',
    range: [0, 1],
    missing: `${missingOf(entity)} or no ${wordOf(other, all)}; 0 for the first`,
    phrase: {
      text: `{} of the earlier transactions of the ${entity.word} were with the ${wordOf(other, all)}`,
      at: { 0: `no earlier transaction of the ${entity.word} was with the ${wordOf(other, all)}` },
      missing: `no ${entity.word} or no ${wordOf(other, all)} given`,
    },
    bind: (sources) => {
      const reading = sources.entity(entity.name).dimension(other)
      return () => reading.share()
    },
  },
]
