import type { Entity, SideFeature } from '../transaction/entities.ts'
import type { AskedAggregate, EntitySource, Feature } from './feature.ts'
import type { Money } from './payments.ts'
import { windowText, yesOrNo } from './phrase.ts'
import { SIDE_VALUES, type SideValue } from './side-values.ts'
import { COUNTERPARTY } from './state/dimension-token.ts'

const SECOND_MS = 1_000
const ONWARDS = Number.POSITIVE_INFINITY

/** What is computed of one side of an entity that sends and receives, from a state that knows both. */
export const SIDE_FEATURES: Readonly<
  Record<SideFeature, (entity: Entity, money: Money) => readonly Feature[]>
> = {
  flow: (entity, money) => [
    ...entity.windows.flatMap((window) => [
      ...moved(entity, 'sent', window, money),
      ...moved(entity, 'received', window, money),
      passedOn(entity, window),
    ]),
    since(entity, 'sent'),
    since(entity, 'received'),
  ],
  fan: (entity) =>
    entity.windows.flatMap((window) => [fan(entity, 'out', window), fan(entity, 'in', window)]),
  counterparty: (entity) => counterparty(entity),
}

type Moved = 'sent' | 'received'

const missingOf = ({ word }: Entity): string => `missing when the transaction names no ${word}`
const inWindow = (window: string): string => `in the last ${windowText(window)}`

/** Payments that went out or came in: count, and total in minor units, in one window. */
const movedIn = (source: EntitySource, direction: Moved, window: string) =>
  source.aggregate({ ...asked(`side.${direction}`), keeps: 'sum', decimals: 0, window })

const asked = (attribute: SideValue): Pick<AskedAggregate, 'attribute' | 'kind'> => ({
  attribute,
  kind: SIDE_VALUES.find(({ name }) => name === attribute)!.kind,
})

const moved = (entity: Entity, direction: Moved, window: string, { unit }: Money): readonly Feature[] => [
  {
    name: `${entity.name}_${direction}_count_${window}`,
    meaning: `Transactions that the ${entity.word} has ${direction} ${inWindow(window)}, this one included.`,
    unit: 'transactions',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 when there are none`,
    phrase: {
      text: `${entity.word} has ${direction} {} ${inWindow(window)}`,
      at: { 0: `${entity.word} has ${direction} nothing ${inWindow(window)}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = movedIn(sources.entity(entity.name), direction, window)
      return () => reading.count
    },
  },
  {
    name: `${entity.name}_${direction}_amount_${window}`,
    meaning: `Sum of the payments that the ${entity.word} has ${direction} ${inWindow(window)}, this one included.`,
    unit: 'currency',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 when there are none`,
    phrase: {
      text: `amounts that the ${entity.word} has ${direction} ${inWindow(window)} come to {}`,
      at: { 0: `${entity.word} has ${direction} nothing ${inWindow(window)}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const reading = movedIn(sources.entity(entity.name), direction, window)
      return () => (reading.count === 0 ? 0 : reading.value / unit)
    },
  },
]

const passedOn = (entity: Entity, window: string): Feature => ({
  name: `${entity.name}_passed_on_${window}`,
  meaning: `What the ${entity.word} has sent ${inWindow(window)}, this transaction included, divided by what it has received.`,
  unit: 'ratio',
  range: [0, ONWARDS],
  missing: `${missingOf(entity)}, or it has received nothing in the window`,
  phrase: {
    text: `${entity.word} has sent {} times what it has received ${inWindow(window)}`,
    at: { 0: `${entity.word} has passed on nothing of what it has received ${inWindow(window)}` },
    missing: `${entity.word} has received nothing ${inWindow(window)}`,
  },
  bind: (sources) => {
    const source = sources.entity(entity.name)
    const sent = movedIn(source, 'sent', window)
    const received = movedIn(source, 'received', window)
    return () => {
      if (received.count === 0 || received.value === 0) return Number.NaN
      return sent.count === 0 ? 0 : sent.value / received.value
    }
  },
})

const since = (entity: Entity, direction: Moved): Feature => ({
  name: `${entity.name}_seconds_since_${direction}`,
  meaning: `Seconds since the ${entity.word} has ${direction} the last time before this transaction.`,
  unit: 'seconds',
  range: [0, ONWARDS],
  missing: `${missingOf(entity)}, or it has ${direction} nothing before`,
  phrase: {
    text: `{} since the ${entity.word} has ${direction} the last time`,
    at: { 0: `${entity.word} has ${direction} another at the same moment` },
    missing: `${entity.word} has ${direction} nothing before`,
  },
  bind: (sources) => {
    const { transaction } = sources
    const reading = sources.entity(entity.name).aggregate({ ...asked(`side.${direction}_at`), keeps: 'last' })
    return () => Math.max(0, transaction.eventTimeMs - reading.value) / SECOND_MS
  },
})

const fan = (entity: Entity, direction: 'out' | 'in', window: string): Feature => {
  const whom =
    direction === 'out'
      ? `receivers that the ${entity.word} has sent to`
      : `senders that the ${entity.word} has received from`
  return {
    name: `${entity.name}_fan_${direction}_${window}`,
    meaning: `Different ${whom} ${inWindow(window)}, this transaction included.`,
    unit: 'values',
    range: [0, ONWARDS],
    missing: `${missingOf(entity)}; 0 when there are none`,
    phrase: {
      text: `{} of ${whom} ${inWindow(window)}`,
      at: { 0: `no ${whom} ${inWindow(window)}` },
      missing: `no ${entity.word} given`,
    },
    bind: (sources) => {
      const attribute = direction === 'out' ? 'side.sent_to' : 'side.received_from'
      const reading = sources
        .entity(entity.name)
        .aggregate({ ...asked(attribute), keeps: 'distinct', window })
      return () => reading.value
    },
  }
}

const counterparty = (entity: Entity): readonly Feature[] => {
  const missing = `${missingOf(entity)} or nobody on the other side`
  const nobody = `no ${entity.word} or nobody on the other side given`
  return [
    {
      name: `${entity.name}_counterparty_is_new`,
      meaning: `Nothing has been between the ${entity.word} and the other side before, in either direction.`,
      unit: 'boolean',
      range: [0, 1],
      missing: `${missing}; 1 for the first`,
      phrase: yesOrNo(
        `first transaction between the ${entity.word} and the other side`,
        `${entity.word} and the other side have had transactions before`,
        nobody,
      ),
      bind: (sources) => {
        const reading = sources.entity(entity.name).dimension(COUNTERPARTY)
        return () => reading.isNew()
      },
    },
    {
      name: `${entity.name}_counterparty_share`,
      meaning: `Share of the earlier transactions of the ${entity.word} that were with the other side, in either direction.`,
      unit: 'share',
      range: [0, 1],
      missing: `${missing}; 0 for the first`,
      phrase: {
        text: `{} of the earlier transactions of the ${entity.word} were with the other side`,
        at: { 0: `no earlier transaction of the ${entity.word} was with the other side` },
        missing: nobody,
      },
      bind: (sources) => {
        const reading = sources.entity(entity.name).dimension(COUNTERPARTY)
        return () => reading.share()
      },
    },
  ]
}
