import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { log, log1p } from '../../src/foundation/elementary/logarithm.ts'
import { cos, sin } from '../../src/foundation/elementary/trigonometry.ts'
import { greatCircleKm } from '../../src/foundation/great-circle.ts'
import type { AmountRules } from '../../src/transaction/amount-rules.ts'
import type { Entity, EntityFeature, SideFeature } from '../../src/transaction/entities.ts'
import type { EntityKind } from '../../src/transaction/entity-kind.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import { naiveAggregate } from './naive-aggregates.ts'
import { naiveInBase } from './naive-base-amount.ts'
import { naiveExpression } from './naive-expression.ts'

/** What happened, in the order in which it became known. */
export type LogEntry =
  | { readonly transaction: Transaction }
  | { readonly labelOf: Transaction; readonly isFraud: boolean | null }

/** Value by feature name; `repeated` for a transaction that its user's state still remembers. */
export type NaiveResult = ReadonlyMap<string, number> | 'repeated'

/**
 * Every feature of every transaction of `log`, each computed from nothing but the log before it: the
 * sentences of the feature records as loops and filters, slow and without any state that slides. Local time
 * is UTC; tables of values have no bound.
 */
export const naiveFeatures = (
  log: readonly LogEntry[],
  settings: FeatureSettings,
  fitted: FittedFeatures,
): NaiveResult[] => {
  const earlier: Arrived[] = []
  const results: NaiveResult[] = []
  for (const entry of log) {
    if ('labelOf' in entry) {
      for (const one of earlier) {
        if (one.transaction.transactionId === entry.labelOf.transactionId)
          one.isFraud = entry.isFraud ?? undefined
      }
      continue
    }
    const transaction = naiveInBase(entry.transaction, settings.amounts)
    const user = settings.withoutUsers ? undefined : pastOf('user', transaction, earlier, settings)
    if (user?.retained.some((one) => one.transaction.transactionId === transaction.transactionId)) {
      results.push('repeated')
      continue
    }
    const merchant = pastOf('merchant', transaction, earlier, settings)
    const device = pastOf('device', transaction, earlier, settings)
    const pasts: Readonly<Record<EntityKind, Past | undefined>> = { user, merchant, device }
    const standard = settings.options.standardEntities
      .filter(({ name }) => !(name === 'user' && settings.withoutUsers))
      .map((entity) => [entity, pasts[entity.name]] as const)
    const own = settings.options.entities.map(
      (entity) => [entity, pastOf(entity.name, transaction, earlier, settings)] as const,
    )
    const all = { ...pasts, ...Object.fromEntries(own.map(([{ name }, past]) => [name, past])) }
    results.push(
      new Map([
        ...ofAggregates(transaction, all, settings, fitted),
        ...ofTime(transaction, settings),
        ...ofAmount(transaction, fitted, settings),
        ...ofCategories(transaction, fitted),
        ...(user ? ofUser(transaction, user, settings) : []),
        ...only(user !== undefined && settings.options.reversals === true, ofReversal(transaction, user!)),
        ...ofMerchant(transaction, merchant, settings),
        ...ofDevice(transaction, device, settings),
        ...ofAttributes(transaction, fitted),
        ...ofDerived(transaction, settings),
        ...standard.flatMap(([entity, past]) => ofOthers(entity, transaction, past, settings)),
        ...own.flatMap(([entity, past]) => [
          ...ofEntity(entity, transaction, past, settings),
          ...ofOthers(entity, transaction, past, settings),
        ]),
      ]),
    )
    const isPlaced = (past: Past | undefined) => past !== undefined && !past.isTooLate
    earlier.push({
      transaction,
      isFraud: undefined,
      placed: {
        user: isPlaced(user),
        merchant: isPlaced(merchant),
        device: isPlaced(device),
        ...Object.fromEntries(own.map(([{ name }, past]) => [name, isPlaced(past)])),
      },
    })
  }
  return results
}

interface Arrived {
  readonly transaction: Transaction
  isFraud: boolean | undefined
  /** For which of its entities it was not too late. */
  readonly placed: Readonly<Record<EntityKind, boolean>>
}

/** What one entity of a transaction has behind it. */
interface Past {
  /** Every earlier transaction that was not too late, in arrival order. */
  readonly life: readonly Arrived[]
  /** Those that can still matter to some window, by event time, then arrival. */
  readonly retained: readonly Arrived[]
  /** The latest event time; -Infinity before the first. */
  readonly watermark: number
  /**
   * Where windows end: the event's own time, or the allowed lateness behind the watermark when it is older
   * still.
   */
  readonly windowsEndMs: number
  readonly isTooLate: boolean
  /** Of the retained ones those that some window could look at from where windows end. */
  readonly inView: readonly Arrived[]
  /** Those that have left a full ring, and the length of the steps in which they are counted. */
  readonly left: readonly Arrived[]
  readonly stepMs: number
  readonly latest: Arrived | undefined
}

const pastOf = (
  kind: EntityKind,
  transaction: Transaction,
  earlier: readonly Arrived[],
  settings: FeatureSettings,
): Past | undefined => {
  const entity = idIn(kind, transaction, settings)
  if (entity === undefined) return undefined
  const { latenessMs, labelDelayMs, ringEvents } = settings.limits[kind]!
  // An account's past is what it sent and what it received.
  const other = settings.options.entities.find(({ name }) => name === kind)?.side?.other
  const life = earlier.filter(({ placed, transaction: one }) =>
    [kind, other].some((as) => as !== undefined && placed[as] && idIn(as, one, settings) === entity),
  )
  const watermark = Math.max(...life.map(timeOf))
  const msOf = (name: string): number => settings.windowMs.get(name)!
  const sides = other === undefined ? [kind] : [kind, other]
  const windows = {
    behaviour: sides.flatMap((side) => windowsOf(side, settings).behaviour),
    risk: sides.flatMap((side) => windowsOf(side, settings).risk),
  }
  const neededMs = Math.max(
    0,
    ...windows.behaviour.map(msOf),
    ...windows.risk.map((name) => labelDelayMs + msOf(name)),
  )
  const inOrder = [...life].sort((a, b) => timeOf(a) - timeOf(b)) // Stable: of equal times, in arrival order.
  const retained = inOrder.slice(-ringEvents).filter((one) => timeOf(one) > watermark - neededMs - latenessMs)
  const windowsEndMs = Math.max(transaction.eventTimeMs, watermark - latenessMs)
  // The latest transaction is remembered however long ago it was.
  const isLate = transaction.eventTimeMs < watermark
  const latest = isLate ? retained.findLast((one) => timeOf(one) <= windowsEndMs) : inOrder.at(-1)
  const isTooLate = transaction.eventTimeMs < watermark - latenessMs
  const inView = retained.filter(
    (one) => timeOf(one) <= windowsEndMs && timeOf(one) > windowsEndMs - neededMs - latenessMs,
  )
  const left = inOrder.slice(0, -ringEvents)
  const reachMs = neededMs + latenessMs
  const stepMs = reachMs <= 4096e3 ? 1e3 : reachMs <= 4096 * 60e3 ? 60e3 : 3600e3
  return { life, retained, watermark, windowsEndMs, isTooLate, inView, latest, left, stepMs }
}

const middleOf = (one: Arrived, stepMs: number): number => (Math.floor(timeOf(one) / stepMs) + 0.5) * stepMs

/** Of those that have left the ring those that count in (fromMs, toMs]: in steps whose middle is in it. */
const countedIn = ({ left, stepMs }: Past, fromMs: number, toMs: number): readonly Arrived[] => {
  const latestMs = Math.max(...left.map(timeOf))
  if (fromMs >= latestMs) return []
  return left.filter(
    (one) => middleOf(one, stepMs) > fromMs && (toMs >= latestMs || middleOf(one, stepMs) <= toMs),
  )
}

/** The windows that some feature of a kind looks at. */
const windowsOf = (
  kind: EntityKind,
  { options }: FeatureSettings,
): { readonly behaviour: readonly string[]; readonly risk: readonly string[] } => {
  const own = options.entities.find(({ name }) => name === kind)
  const aggregated = options.aggregates.filter(({ by }) => by === kind).flatMap(({ windows }) => windows)
  if (own === undefined) {
    const added = options.standardEntities.filter(
      ({ name, distinct }) => name === kind && distinct.length > 0,
    )
    return {
      behaviour: [...options.windows, ...added.flatMap(({ windows }) => windows), ...aggregated],
      risk: kind === 'user' ? [] : options.riskWindows,
    }
  }
  const looks = own.distinct.length > 0 || own.features.some((feature) => IN_WINDOWS.includes(feature))
  return {
    behaviour: [...(looks ? own.windows : []), ...aggregated],
    risk: own.features.some((feature) => feature === 'risk' || feature === 'run') ? own.riskWindows : [],
  }
}

const IN_WINDOWS: readonly EntityFeature[] = ['counts', 'amounts', 'spread', 'maximum', 'flow', 'fan']

const ofTime = ({ eventTimeMs }: Transaction, { options }: FeatureSettings): Values => {
  const date = new Date(eventTimeMs)
  const hour = date.getUTCHours()
  const minuteOfDay = hour * 60 + date.getUTCMinutes()
  const weekday = (date.getUTCDay() + 6) % 7
  return [
    ['hour', hour],
    ['minute_of_day', minuteOfDay],
    ['weekday', weekday],
    ['day_of_month', date.getUTCDate()],
    ['is_weekend', truth(weekday === 5 || weekday === 6)],
    [
      'is_business_hours',
      truth(weekday <= 4 && hour >= options.businessHours.from && hour < options.businessHours.to),
    ],
    ['is_night', truth(hour >= options.night.from && hour < options.night.to)],
    ['hour_sin', sin((minuteOfDay / 1440) * 2 * Math.PI)],
    ['hour_cos', cos((minuteOfDay / 1440) * 2 * Math.PI)],
    ['weekday_sin', sin((weekday / 7) * 2 * Math.PI)],
    ['weekday_cos', cos((weekday / 7) * 2 * Math.PI)],
  ]
}

const ofReversal = ({ reverses, amountMinor, eventTimeMs }: Transaction, past: Past | undefined): Values => {
  const original = past?.inView.findLast((one) => one.transaction.transactionId === reverses)
  const since = original && Math.max(0, eventTimeMs - timeOf(original)) / 1000
  const size = Math.abs(original?.transaction.amountMinor ?? 0)
  return [
    ['reversal_is_known', reverses === undefined ? Number.NaN : truth(original !== undefined)],
    ['reversal_seconds_since', since ?? Number.NaN],
    ['reversal_share_of_amount', size === 0 ? Number.NaN : Math.abs(amountMinor) / size],
  ]
}

const ofAmount = (
  { amountMinor }: Transaction,
  fitted: FittedFeatures,
  { options: { amounts } }: FeatureSettings,
): Values => {
  const minor = Math.abs(amountMinor)
  const unit = unitOf(amounts)
  return [
    ['amount', minor / unit],
    ['amount_log', log1p(minor / unit)],
    ['amount_cents', minor % unit],
    ['amount_is_whole', truth(minor % unit === 0)],
    ['amount_is_round', truth(minor % (10 * unit) === 0)],
    ['amount_band', fitted.amountBandEdgesMinor.filter((edge) => edge < minor).length],
    ...only(amounts.zero, [['amount_is_zero', truth(minor === 0)]]),
    ...only(amounts.refunds, [['amount_is_refund', truth(amountMinor < 0)]]),
  ]
}

const ofCategories = (transaction: Transaction, fitted: FittedFeatures): Values => {
  return [
    ...ofField('merchant_category', transaction.merchantCategory, fitted),
    ...ofField('transaction_type', transaction.transactionType, fitted),
    ...ofField('device_type', transaction.deviceType, fitted),
    ...ofField('currency', transaction.currency, fitted),
    ...ofField('location', transaction.location, fitted),
  ]
}

/** Nothing of a field that had no vocabulary to be fitted. */
const ofField = (name: string, value: unknown, fitted: FittedFeatures): Values =>
  Object.hasOwn(fitted.vocabularies, name) ? ofCategory(name, value, fitted) : []

const ofCategory = (name: string, value: unknown, { vocabularies }: FittedFeatures): Values => {
  const vocabulary = vocabularies[name] ?? []
  const code = vocabulary.findIndex((entry) => entry.value === value)
  return [
    [`${name}_code`, value === undefined ? Number.NaN : code],
    [`${name}_share`, value === undefined ? Number.NaN : (vocabulary[code]?.share ?? 0)],
  ]
}

const ofAttributes = ({ attributes = {}, eventTimeMs }: Transaction, fitted: FittedFeatures): Values =>
  (fitted.attributes ?? []).flatMap(({ name, kind }): Values => {
    const value = attributes[name]
    if (kind === 'text') return []
    if (kind === 'category') return ofCategory(name, value, fitted)
    const number = value === undefined ? Number.NaN : Number(value)
    return kind === 'time' ? [[`${name}_age`, (eventTimeMs - number) / 86_400_000]] : [[name, number]]
  })

const ofDerived = (transaction: Transaction, { options }: FeatureSettings): Values => {
  const kinds = new Map(options.attributes.map(({ name, kind }) => [name, kind]))
  return options.derived.map(({ name, expression }) => [
    name,
    naiveExpression(expression, transaction, { kinds, decimals: options.amounts.decimals }),
  ])
}

const ofAggregates = (
  transaction: Transaction,
  pasts: Readonly<Record<EntityKind, Past | undefined>>,
  settings: FeatureSettings,
  fitted: FittedFeatures,
): Values =>
  settings.options.aggregates.flatMap((aggregate): Values => {
    if (aggregate.by === 'user' && settings.withoutUsers) return []
    const past = pasts[aggregate.by]
    const attribute = settings.options.attributes.find(({ name }) => name === aggregate.of)!
    const seen = past && {
      inside: (window: string) => inWindow(transaction, past, window, settings),
      held: (window: string) => heldInWindow(transaction, past, window, settings),
      different: (window: string, of: (one: Transaction) => unknown) =>
        differentIn(transaction, past, window, settings, of),
      earlier: earlierIn(transaction, past),
    }
    const codeOf = (value: string): number =>
      (fitted.vocabularies[aggregate.of] ?? []).findIndex((entry) => entry.value === value)
    return naiveAggregate(aggregate, attribute, transaction, seen, codeOf)
  })

/** In order, all there were; late, those still in the ring at or before where windows end. */
const earlierIn = (
  transaction: Transaction,
  { life, retained, watermark, windowsEndMs }: Past,
): readonly Transaction[] => {
  const isLate = transaction.eventTimeMs < watermark
  const visible = isLate
    ? retained.filter((one) => timeOf(one) <= windowsEndMs)
    : [...life].sort((a, b) => timeOf(a) - timeOf(b))
  return visible.map((one) => one.transaction)
}

const ofEntity = (
  { name, features, windows, riskWindows, id }: Entity,
  transaction: Transaction,
  past: Past | undefined,
  settings: FeatureSettings,
): Values => {
  const known = (value: number): number => (past === undefined ? Number.NaN : value)
  const unit = unitOf(settings.options.amounts)
  const count = past?.life.length ?? 0
  const amounts = past?.life.map(amountOf).filter(isPayment) ?? []
  const { eventTimeMs, amountMinor } = transaction
  const firstMs = Math.min(...(past?.life.map(timeOf) ?? []))
  const inside = windows.map((window) => (past ? inWindow(transaction, past, window, settings) : []))
  const perWindow = (feature: string, of: (all: readonly Transaction[]) => number): Values =>
    windows.map((window, i) => [`${name}_${feature}_${window}`, known(of(inside[i]!))])
  const deviationOf = (all: readonly Transaction[]): number => {
    const values = paymentsOf(all)
    const others = paymentsOf(all.slice(0, -1))
    // The current square is added last, to the others' sum rounded once.
    const squared = Number(squares(others)) + Number(squares(values.slice(others.length)))
    return sampleDeviation(values.length, sum(values), squared)
  }
  const byFeature: Readonly<Record<EntityFeature, Values>> = {
    counts: perWindow('tx_count', ({ length }) => length),
    amounts: [
      ...perWindow('total_amount', (all) => sum(paymentsOf(all)) / unit),
      ...perWindow('mean_amount', (all) => meanOf(paymentsOf(all)) / unit),
    ],
    spread: perWindow('std_amount', (all) => deviationOf(all) / unit),
    maximum: perWindow('max_amount', (all) => Math.max(0, ...paymentsOf(all)) / unit),
    refunds: refunds({ name, windows }, transaction, past, settings),
    life: [
      [`${name}_tx_count_life`, known(count)],
      [`${name}_amount_to_mean`, known(ratioTo(Math.abs(amountMinor), amounts))],
    ],
    time: [
      [
        `${name}_seconds_since_last`,
        past?.latest ? Math.max(0, eventTimeMs - timeOf(past.latest)) / 1000 : Number.NaN,
      ],
      [`${name}_age`, known(count === 0 ? 0 : Math.max(0, eventTimeMs - firstMs) / 86_400_000)],
    ],
    risk: risks(name, past, settings, riskWindows),
    run: fraudRun(name, transaction, past, settings, riskWindows.at(-1)!),
    ...ofSides({ name, windows, id }, transaction, past, settings),
  }
  return features.flatMap((feature) => byFeature[feature])
}

/** What an account has sent and received, with whom, and how soon it goes on. */
const ofSides = (
  { name, windows, id }: Pick<Entity, 'name' | 'windows' | 'id'>,
  transaction: Transaction,
  past: Past | undefined,
  settings: FeatureSettings,
): Readonly<Record<SideFeature, Values>> => {
  const { entities, amounts } = settings.options
  const side = entities.find((one) => one.name === name)?.side
  if (side === undefined) return { flow: [], fan: [], counterparty: [] }
  const me = idOfParts(id, transaction)
  const [sender, receiver] = side.is === 'sender' ? [name, side.other] : [side.other, name]
  const idAs = (kind: EntityKind, one: Transaction) => idIn(kind, one, settings)
  const isSent = (one: Transaction): boolean => idAs(sender, one) === me
  const known = (value: number): number => (past === undefined ? Number.NaN : value)
  const paid = (all: readonly Transaction[]): number => sum(all.map((one) => Math.max(0, one.amountMinor)))
  const earlier = past === undefined ? [] : earlierIn(transaction, past)
  const sinceLast = (all: readonly Transaction[]): number =>
    all.length === 0
      ? Number.NaN
      : Math.max(0, transaction.eventTimeMs - Math.max(...all.map((one) => one.eventTimeMs))) / 1000
  const inside = windows.map((window) => (past ? inWindow(transaction, past, window, settings) : []))
  const flows = windows.map((window, w): Values => {
    const sent = inside[w]!.filter(isSent)
    const received = inside[w]!.filter((one) => !isSent(one))
    return [
      [`${name}_sent_count_${window}`, known(sent.length)],
      [`${name}_sent_amount_${window}`, known(paid(sent) / unitOf(amounts))],
      [`${name}_received_count_${window}`, known(received.length)],
      [`${name}_received_amount_${window}`, known(paid(received) / unitOf(amounts))],
      [`${name}_passed_on_${window}`, known(paid(received) === 0 ? Number.NaN : paid(sent) / paid(received))],
    ]
  })
  const partner = (one: Transaction): string | undefined => idAs(isSent(one) ? receiver : sender, one)
  const partnersIn = (window: string, of: (one: Transaction) => string | undefined): number =>
    past ? differentIn(transaction, past, window, settings, of) : Number.NaN
  const fans = windows.map(
    (window): Values => [
      [`${name}_fan_out_${window}`, partnersIn(window, (one) => (isSent(one) ? partner(one) : undefined))],
      [`${name}_fan_in_${window}`, partnersIn(window, (one) => (isSent(one) ? undefined : partner(one)))],
    ],
  )
  const partners = habit(`${name}_counterparty`, past ?? NOTHING, transaction, (one) =>
    past ? partner(one) : undefined,
  )
  return {
    flow: [
      ...flows.flat(),
      [`${name}_seconds_since_sent`, sinceLast(earlier.filter(isSent))],
      [`${name}_seconds_since_received`, sinceLast(earlier.filter((one) => !isSent(one)))],
    ],
    fan: fans.flat(),
    counterparty: partners.filter(([feature]) => !feature.endsWith('_is_usual')),
  }
}

/** What an entity is seen with: how many different ones, and whether this one is new and usual. */
const ofOthers = (
  { name, windows, distinct: counted, habits }: Entity,
  transaction: Transaction,
  past: Past | undefined,
  settings: FeatureSettings,
): Values => [
  ...counted.flatMap((other) =>
    windows.map((window): Value => {
      const of = (one: Transaction) => idIn(other, one, settings)
      const value = past ? differentIn(transaction, past, window, settings, of) : Number.NaN
      return [`${name}_distinct_${other}_${window}`, value]
    }),
  ),
  ...habits.flatMap((other): Values => {
    const of = (one: Transaction) => (past ? idIn(other, one, settings) : undefined)
    const nobody: Past = { ...NOTHING, ...past }
    return habit(`${name}_${other}`, nobody, transaction, of).filter(
      ([feature]) => !feature.endsWith('_is_usual'),
    )
  }),
]

const NOTHING: Past = {
  life: [],
  retained: [],
  watermark: 0,
  windowsEndMs: 0,
  isTooLate: false,
  inView: [],
  latest: undefined,
  left: [],
  stepMs: 1000,
}

const ofUser = (transaction: Transaction, past: Past, settings: FeatureSettings): Values => {
  const { life, latest } = past
  const { eventTimeMs } = transaction
  const amountMinor = Math.abs(transaction.amountMinor)
  const unit = unitOf(settings.options.amounts)
  const amounts = life.map(amountOf).filter(isPayment)
  const count = life.length
  const total = sum(amounts)
  const deviation = sampleDeviation(amounts.length, total, Number(squares(amounts)))
  const firstMs = Math.min(...life.map(timeOf))
  const sinceLastMs = latest ? Math.max(0, eventTimeMs - timeOf(latest)) : Number.NaN
  const gapMs = count < 2 || !latest ? Number.NaN : Math.max(0, timeOf(latest) - firstMs) / (count - 1)
  const km = latest
    ? greatCircleKm(
        latest.transaction.latitude ?? Number.NaN,
        latest.transaction.longitude ?? Number.NaN,
        transaction.latitude ?? Number.NaN,
        transaction.longitude ?? Number.NaN,
      )
    : Number.NaN
  const moveMs = Math.max(60_000, eventTimeMs - (latest ? timeOf(latest) : Number.NaN))
  const { windows } = settings.options
  const countIn = (name: string): number => inWindow(transaction, past, name, settings).length
  const msOf = (name: string): number => settings.windowMs.get(name)!
  const different = (name: string, of: (one: Transaction) => string | undefined): number =>
    differentIn(transaction, past, name, settings, of)
  return [
    ...windows.flatMap((name): Values => {
      const inside = inWindow(transaction, past, name, settings)
      const inAmounts = inside.map((one) => one.amountMinor).filter(isPayment)
      const others = inside.slice(0, -1).flatMap((one) => [one.amountMinor].filter(isPayment))
      // The current square is added last, to the others' sum rounded once.
      const inSquares = Number(squares(others)) + Number(squares(inAmounts.slice(others.length)))
      return [
        [`user_tx_count_${name}`, inside.length],
        [`user_total_amount_${name}`, sum(inAmounts) / unit],
        [`user_mean_amount_${name}`, meanOf(inAmounts) / unit],
        [`user_std_amount_${name}`, sampleDeviation(inAmounts.length, sum(inAmounts), inSquares) / unit],
        [`user_max_amount_${name}`, Math.max(0, ...inAmounts) / unit],
        [`user_amount_to_mean_${name}`, ratioTo(amountMinor, others)],
        [`user_distinct_merchants_${name}`, different(name, (one) => one.merchantId)],
        [`user_distinct_locations_${name}`, different(name, (one) => one.location)],
        [`user_velocity_${name}`, inside.length / (msOf(name) / 3_600_000)],
      ]
    }),
    ...windows.slice(1).map((longer, i): Value => {
      const shorter = windows[i]!
      return [
        `user_burst_${shorter}_${longer}`,
        countIn(shorter) / msOf(shorter) / (countIn(longer) / msOf(longer)),
      ]
    }),
    ['user_tx_count_life', count],
    ['user_mean_amount_life', meanOf(amounts) / unit],
    ['user_std_amount_life', deviation / unit],
    ['user_max_amount_life', Math.max(0, ...amounts) / unit],
    ['user_amount_zscore', deviation === 0 ? 0 : (amountMinor - total / amounts.length) / deviation],
    ['user_amount_to_mean', ratioTo(amountMinor, amounts)],
    ['user_amount_to_max', ratioTo(amountMinor, amounts.length === 0 ? [] : [Math.max(...amounts)])],
    ['user_age', count === 0 ? 0 : Math.max(0, eventTimeMs - firstMs) / 86_400_000],
    ['user_is_first', truth(count === 0)],
    ['user_seconds_since_last', sinceLastMs / 1000],
    ['user_mean_gap', gapMs / 1000],
    ['user_gap_ratio', gapMs === 0 ? 1 : sinceLastMs / gapMs],
    ['user_distance_from_last', km],
    ['user_speed_from_last', km / (moveMs / 3_600_000)],
    ...habit('user_location', past, transaction, (one) => one.location),
    ['user_location_entropy', entropy(life.map((one) => one.transaction.location))],
    ...habit('user_device', past, transaction, (one) => one.deviceId),
    ['user_device_count', distinct(life.map((one) => one.transaction.deviceId))],
    // Which merchant is usual is no feature: people have many.
    ...habit('user_merchant', past, transaction, (one) => one.merchantId).filter(
      ([name]) => name !== 'user_merchant_is_usual',
    ),
    ...habit('user_category', past, transaction, (one) => one.merchantCategory),
    ...refunds({ name: 'user', windows: settings.options.windows }, transaction, past, settings),
  ]
}

const ofMerchant = (transaction: Transaction, past: Past | undefined, settings: FeatureSettings): Values => {
  const amounts = past?.life.map(amountOf).filter(isPayment) ?? []
  const unit = unitOf(settings.options.amounts)
  const known = (value: number): number => (past === undefined ? Number.NaN : value)
  return [
    ...settings.options.windows.flatMap((name): Values => {
      const inside = past ? inWindow(transaction, past, name, settings) : []
      return [
        [`merchant_tx_count_${name}`, known(inside.length)],
        [
          `merchant_mean_amount_${name}`,
          known(meanOf(inside.map((one) => one.amountMinor).filter(isPayment)) / unit),
        ],
      ]
    }),
    ['merchant_tx_count_life', known(past?.life.length ?? 0)],
    ['merchant_amount_to_mean', known(ratioTo(Math.abs(transaction.amountMinor), amounts))],
    ...refunds({ name: 'merchant', windows: settings.options.windows }, transaction, past, settings),
    ...risks('merchant', past, settings),
  ]
}

const ofDevice = (transaction: Transaction, past: Past | undefined, settings: FeatureSettings): Values => {
  const known = (value: number): number => (past === undefined ? Number.NaN : value)
  const users = past?.life.map((one) => one.transaction.userId) ?? []
  return [
    ...settings.options.windows.map(
      (name): Value => [
        `device_tx_count_${name}`,
        past ? inWindow(transaction, past, name, settings).length : Number.NaN,
      ],
    ),
    ['device_tx_count_life', known(users.length)],
    ['device_user_count', known(distinct(users))],
    ...risks('device', past, settings),
  ]
}

/** The refunds in (end - w, end], this transaction among them when it is one. */
const refunds = (
  { name: kind, windows }: Pick<Entity, 'name' | 'windows'>,
  transaction: Transaction,
  past: Past | undefined,
  settings: FeatureSettings,
): Values =>
  windows.flatMap((name): Values => {
    if (!settings.options.amounts.refunds) return []
    const inside = past ? inWindow(transaction, past, name, settings) : []
    const sizes = inside.filter((one) => one.amountMinor < 0).map((one) => -one.amountMinor)
    const known = (value: number): number => (past === undefined ? Number.NaN : value)
    return [
      [`${kind}_refund_count_${name}`, known(sizes.length)],
      [`${kind}_refund_amount_${name}`, known(sum(sizes) / unitOf(settings.options.amounts))],
    ]
  })

/** Labels delivered by now, of transactions in (end - delay - w, end - delay]. */
const risks = (
  kind: EntityKind,
  past: Past | undefined,
  settings: FeatureSettings,
  windows = settings.options.riskWindows,
): Values =>
  windows.flatMap((name): Values => {
    if (past === undefined) {
      return [
        [`${kind}_labelled_count_${name}`, Number.NaN],
        [`${kind}_risk_${name}`, Number.NaN],
      ]
    }
    const end = past.windowsEndMs - settings.limits[kind]!.labelDelayMs
    const from = end - settings.windowMs.get(name)!
    const held = past.retained.filter((one) => timeOf(one) > from && timeOf(one) <= end)
    const labelled = [...countedIn(past, from, end), ...held].filter(({ isFraud }) => isFraud !== undefined)
    const frauds = labelled.filter((one) => one.isFraud).length
    return [
      [`${kind}_labelled_count_${name}`, labelled.length],
      [`${kind}_risk_${name}`, labelled.length === 0 ? 0 : frauds / labelled.length],
    ]
  })

/** Frauds in a row, the latest known labels among the last 256 rows in (end - delay - w, end - delay]. */
const fraudRun = (
  kind: EntityKind,
  { eventTimeMs }: Transaction,
  past: Past | undefined,
  settings: FeatureSettings,
  window: string,
): Values => {
  const named = (length: number, run: readonly Arrived[], genuine: Arrived | undefined): Values => {
    const amounts = run.map(amountOf).filter(isPayment)
    return [
      [`${kind}_fraud_run`, length],
      [`${kind}_fraud_run_age`, daysSince(run[0])],
      [`${kind}_fraud_run_mean_amount`, sum(amounts) / amounts.length / unitOf(settings.options.amounts)],
      [`${kind}_genuine_age`, daysSince(genuine)],
    ]
  }
  const daysSince = (one: Arrived | undefined): number =>
    one === undefined ? Number.NaN : Math.max(0, eventTimeMs - timeOf(one)) / 86_400_000
  if (past === undefined) return named(Number.NaN, [], undefined)
  const end = past.windowsEndMs - settings.limits[kind]!.labelDelayMs
  const from = end - settings.windowMs.get(window)!
  const held = past.retained.filter((one) => timeOf(one) > from && timeOf(one) <= end)
  const labelled = held.slice(-256).filter(({ isFraud }) => isFraud !== undefined)
  const genuineAt = labelled.findLastIndex(({ isFraud }) => !isFraud)
  const run = labelled.slice(genuineAt + 1)
  const counted = countedIn(past, from, end).filter(({ isFraud }) => isFraud !== undefined)
  if (genuineAt >= 0 || held.length >= 256 || counted.length === 0)
    return named(run.length, run, labelled[genuineAt])
  // Beyond the ring the run goes on by steps, to the first with a genuine transaction.
  const middles = counted.map((one) => middleOf(one, past.stepMs))
  const genuineMs = Math.max(
    ...counted.map(({ isFraud }, i) => (isFraud ? Number.NEGATIVE_INFINITY : middles[i]!)),
  )
  const frauds = middles.filter((ms) => ms > genuineMs)
  const days = (ms: number): number =>
    Number.isFinite(ms) ? Math.max(0, eventTimeMs - ms) / 86_400_000 : Number.NaN
  const began = frauds.length > 0 ? days(Math.min(...frauds)) : daysSince(run[0])
  const [, , [, mean]] = named(0, run, undefined) as [Value, Value, Value, Value]
  return [
    [`${kind}_fraud_run`, run.length + frauds.length],
    [`${kind}_fraud_run_age`, began],
    [`${kind}_fraud_run_mean_amount`, frauds.length > 0 ? Number.NaN : mean],
    [`${kind}_genuine_age`, days(genuineMs)],
  ]
}

/** The transactions that count in (end - w, end], the current one included and last. */
const inWindow = (
  transaction: Transaction,
  past: Past,
  name: string,
  settings: FeatureSettings,
): Transaction[] => {
  const { windowsEndMs } = past
  const counted = countedIn(past, windowsEndMs - settings.windowMs.get(name)!, windowsEndMs)
  return [...counted.map((one) => one.transaction), ...heldInWindow(transaction, past, name, settings)]
}

/**
 * Different values in the window: those that the ring has there, and those that have left the ring, are not
 * in it any more, and were last seen in the window.
 */
const differentIn = (
  transaction: Transaction,
  past: Past,
  name: string,
  settings: FeatureSettings,
  of: (one: Transaction) => unknown,
): number => {
  const fromMs = past.windowsEndMs - settings.windowMs.get(name)!
  const held = new Set(heldInWindow(transaction, past, name, settings).map(of))
  held.delete(undefined)
  const inRing = new Set(past.retained.map((one) => of(one.transaction)))
  const lastMs = new Map(past.left.map((one) => [of(one.transaction), timeOf(one)]))
  const before = [...lastMs].filter(
    ([value, ms]) =>
      value !== undefined && !inRing.has(value) && !held.has(value) && ms > fromMs && ms <= past.windowsEndMs,
  )
  return held.size + before.length
}

/** The transactions of the ring in (end - w, end], the current one included and last. */
const heldInWindow = (
  transaction: Transaction,
  { retained, windowsEndMs }: Past,
  name: string,
  { windowMs }: FeatureSettings,
): Transaction[] => [
  ...retained
    .filter((one) => timeOf(one) > windowsEndMs - windowMs.get(name)! && timeOf(one) <= windowsEndMs)
    .map((one) => one.transaction),
  transaction,
]

const habit = (
  prefix: string,
  { life }: Past,
  transaction: Transaction,
  of: (transaction: Transaction) => string | undefined,
): Values => {
  const value = of(transaction)
  const values = life.map((one) => of(one.transaction)).filter((one) => one !== undefined)
  const times = values.filter((one) => one === value).length
  const known = (result: number): number => (value === undefined ? Number.NaN : result)
  return [
    [`${prefix}_is_new`, known(truth(times === 0))],
    [`${prefix}_is_usual`, known(truth(values.length > 0 && usualOf(values) === value))],
    [`${prefix}_share`, known(values.length === 0 ? 0 : times / values.length)],
  ]
}

/** The first value, until another has been seen strictly more often than the usual so far. */
const usualOf = (values: readonly string[]): string | undefined => {
  const counts = new Map<string, number>()
  let usual = values[0]
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1)
    if (counts.get(value)! > counts.get(usual!)!) usual = value
  }
  return usual
}

const entropy = (all: readonly (string | undefined)[]): number => {
  const values = all.filter((value) => value !== undefined)
  const counts = [...new Set(values)].map((value) => values.filter((one) => one === value).length)
  if (counts.length < 2) return 0
  const weighted = sum(counts.map((count) => count * log(count)))
  return Math.max(0, log(values.length) - weighted / values.length)
}

/** From exact sums: two sums and a difference, so the order of transactions cannot matter. */
const sampleDeviation = (count: number, total: number, squared: number): number => {
  if (count < 2) return 0
  const variance = (squared - total * (total / count)) / (count - 1)
  return variance > 0 ? Math.sqrt(variance) : 0
}

/** An amount above the largest one whose square is exact counts as that one. */
const squares = (amounts: readonly number[]): bigint =>
  amounts.reduce((total, amount) => total + BigInt(Math.min(amount, 94_906_265)) ** 2n, 0n)

type Value = readonly [name: string, value: number]
type Values = readonly Value[]

/** A value by which transactions are told apart: of an entity, or of a category or place. */
const idIn = (
  kind: EntityKind,
  transaction: Transaction,
  { options }: FeatureSettings,
): string | undefined => {
  const own = options.entities.find(({ name }) => name === kind)
  if (own === undefined) {
    const { userId, merchantId, deviceId, merchantCategory, location } = transaction
    const standard: Readonly<Record<string, string | undefined>> = {
      user: userId,
      merchant: merchantId,
      device: deviceId,
      category: merchantCategory,
      location,
    }
    return standard[kind]
  }
  const named = idOfParts(own.id, transaction)
  const { side } = own
  // Whoever sends to itself has nobody on the other side.
  return side?.is === 'receiver' && idOfParts(side.otherId, transaction) === named ? undefined : named
}

const idOfParts = (id: readonly string[], transaction: Transaction): string | undefined => {
  const parts = id.map((part) => transaction.attributes?.[part] ?? BY_WIRE[part]?.(transaction))
  return parts.includes(undefined) ? undefined : JSON.stringify(parts)
}

const BY_WIRE: Readonly<Record<string, (transaction: Transaction) => string | undefined>> = {
  location: ({ location }) => location,
  user_id: ({ userId }) => userId,
  merchant_id: ({ merchantId }) => merchantId,
}
const timeOf = ({ transaction }: Arrived): number => transaction.eventTimeMs
const amountOf = ({ transaction }: Arrived): number => transaction.amountMinor
const paymentsOf = (all: readonly Transaction[]): number[] =>
  all.map((one) => one.amountMinor).filter(isPayment)
const isPayment = (amountMinor: number): boolean => amountMinor >= 0
const unitOf = ({ decimals }: AmountRules): number => Number(`1e${decimals}`)
const only = (condition: boolean, values: Values): Values => (condition ? values : [])
const meanOf = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length)
/** 1 where nothing was paid that it could be compared with. */
const ratioTo = (value: number, others: readonly number[]): number =>
  others.every((other) => other === 0) ? 1 : value / meanOf(others)
const truth = (condition: boolean): number => (condition ? 1 : 0)
const distinct = (values: readonly (string | undefined)[]): number =>
  new Set(values.filter((value) => value !== undefined)).size
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
