import { DAY_MS } from '../foundation/days.ts'
import { exp, logistic } from '../foundation/elementary/exponential.ts'
import { cos } from '../foundation/elementary/trigonometry.ts'
import { createRandom, type Random } from '../foundation/random.ts'
import type { CategoryColumn, NumberColumn, WindowRows } from './window-summary.ts'

const HOUR_MS = 3_600_000
const CURRENCIES = ['EUR', 'USD', 'GBP']

const valuesOf = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)

const CATEGORIES = {
  country: valuesOf('c', 12),
  channel: valuesOf('ch', 4),
  merchant_category: valuesOf('m', 40),
  device: valuesOf('d', 6),
} as const

/**
 * Day `day` of a bank's feed, about `rows` rows: twelve fields. Days differ by more than chance: volume by
 * weekday, growth and 8 % of its own, shares of missing, late, repeated and unknown by a factor of about 1.3,
 * levels of numbers by 3 %, shares of categories by some 8 %; hours of the weekend are later, and each day's
 * a little its own. A salary day every 30 days has 25 % more rows of a fifth larger amounts.
 */
export const feedOfDay = (seed: number | string, day: number, rows = 2000): WindowRows => {
  const random = createRandom(`${seed} day ${day}`)
  const wobble = (by: number): number => exp(by * random.normal())
  const isWeekend = day % 7 >= 5
  const isSalary = day % 30 === 27
  const level = (isWeekend ? 0.8 : 1) * (isSalary ? 1.25 : 1) * wobble(0.08) * exp(0.002 * day)
  const count = Math.round(rows * level)
  const times = hoursOf(random, isWeekend, count).map((hour) => day * DAY_MS + hour * HOUR_MS)
  const currencies = Array.from({ length: count }, () => {
    const u = random.next()
    return CURRENCIES[u < 0.7 ? 0 : u < 0.9 ? 1 : 2]!
  })
  const growth = { amount: isSalary ? 1.2 : 1, age: 200 + day }
  return {
    startMs: day * DAY_MS,
    timesMs: times,
    isDuplicate: flags(random, count, 0.002 * wobble(0.3)),
    isLate: flags(random, count, 0.01 * wobble(0.3)),
    users: usersOf(`${seed} users of day ${day}`, count),
    fields: {
      ...numbersOf(random, count, currencies, growth),
      country: categories(random, count, CATEGORIES.country, { missing: 0, unknown: 0.003 }),
      channel: categories(random, count, CATEGORIES.channel, { missing: 0.01, unknown: 0 }),
      merchant_category: categories(random, count, CATEGORIES.merchant_category, {
        missing: 0,
        unknown: 0.01,
      }),
      device: categories(random, count, CATEGORIES.device, { missing: 0.04, unknown: 0.02 }),
    },
  }
}

/** A user for three rows; the one who pays most has a few per cent of them. */
const usersOf = (seed: string, count: number): Float64Array => {
  const random = createRandom(seed)
  const users = Math.max(1, Math.round(count / 3))
  return Float64Array.from({ length: count }, () => {
    const u = random.next()
    return Math.floor(users * u * u)
  })
}

const numbersOf = (
  random: Random,
  count: number,
  currencies: readonly string[],
  growth: { readonly amount: number; readonly age: number },
): Record<string, NumberColumn> => {
  const wobble = (): number => exp(0.03 * random.normal())
  const logNormal = (
    middle: number,
    spread: number,
    missing: number,
    round = (x: number): number => x,
    range: readonly [number, number] = [0, middle * exp(3.2 * spread)],
  ): NumberColumn => {
    const of = middle * wobble()
    const lost = missing * exp(0.3 * random.normal())
    const values = Float64Array.from({ length: count }, () =>
      random.next() < lost ? Number.NaN : round(of * exp(spread * random.normal())),
    )
    return { kind: 'number', values, range }
  }
  const cents = (x: number): number => (random.next() < 0.25 ? 100 * Math.round(x / 100) : Math.round(x))
  const amount = logNormal(3500 * growth.amount, 1, 0, cents)
  return {
    amount: { kind: 'number', values: amount.values, range: [0, 200_000], groups: currencies },
    fee: logNormal(1.2, 0.5, 0.02, (x) => Math.round(x * 100) / 100),
    distance_km: logNormal(8, 1.5, 0.06),
    seconds_since_last: logNormal(9000, 1.8, 0.01),
    minutes_of_session: logNormal(6, 0.7, 0.03, (x) => Math.round(x * 10) / 10),
    account_age_days: logNormal(growth.age, 0.8, 0, Math.round),
    items: logNormal(2, 0.6, 0, (x) => Math.max(1, Math.round(x))),
    latitude: {
      kind: 'number',
      values: Float64Array.from({ length: count }, () => 40 + 3 * random.normal()),
      range: [30, 50],
    },
  }
}

/** Hours of the day as fractions: a rhythm with its peak at 14 h, at 17 h on weekends. */
const hoursOf = (random: Random, isWeekend: boolean, count: number): Float64Array => {
  const peak = isWeekend ? 17 : 14
  const weights = Array.from({ length: 24 }, (_, hour) => {
    const rhythm = 1.15 + cos(((hour + 0.5 - peak) / 12) * Math.PI)
    return rhythm * rhythm * exp(0.06 * random.normal())
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Float64Array.from({ length: count }, () => {
    let left = random.next() * total
    let hour = 0
    while (hour < 23 && left >= weights[hour]!) left -= weights[hour++]!
    return hour + random.next()
  }).sort()
}

const flags = (random: Random, count: number, share: number): Uint8Array =>
  Uint8Array.from({ length: count }, () => Number(random.next() < share))

const categories = (
  random: Random,
  count: number,
  values: readonly string[],
  share: { readonly missing: number; readonly unknown: number },
): CategoryColumn => {
  const cumulative: number[] = []
  values.reduce((sum, _, at) => {
    cumulative.push(sum + exp(0.08 * random.normal()) / (at + 1))
    return cumulative[at]!
  }, 0)
  const total = cumulative.at(-1)!
  const [missing, unknown] = [share.missing, share.unknown].map((of) =>
    of === 0 ? 0 : logistic(-4 + 0.3 * random.normal()) * (of / logistic(-4)),
  )
  const draw = (): string | null => {
    if (random.next() < missing!) return null
    if (random.next() < unknown!) return `new${random.integer(50)}`
    const u = random.next() * total
    return values[cumulative.findIndex((edge) => u < edge)]!
  }
  return { kind: 'category', values: Array.from({ length: count }, draw), known: new Set(values) }
}

/** A fault put into a day's rows, with the kind and field that must be found. */
export interface InjectedFault {
  readonly name: string
  readonly kind: string
  readonly field: string | null
  readonly inject: (day: WindowRows, random: Random) => WindowRows
}

const numberOf = (day: WindowRows, field: string): NumberColumn => day.fields[field] as NumberColumn
const categoryOf = (day: WindowRows, field: string): CategoryColumn => day.fields[field] as CategoryColumn

const withField = (day: WindowRows, name: string, column: NumberColumn | CategoryColumn): WindowRows => ({
  startMs: day.startMs,
  timesMs: day.timesMs,
  isDuplicate: day.isDuplicate,
  isLate: day.isLate,
  users: day.users!,
  fields: { ...day.fields, [name]: column },
})

const mapNumbers = (
  day: WindowRows,
  field: string,
  change: (value: number, row: number) => number,
): WindowRows => {
  const column = numberOf(day, field)
  return withField(day, field, { ...column, values: column.values.map(change) })
}

const mapCategories = (
  day: WindowRows,
  field: string,
  change: (value: string | null) => string | null,
): WindowRows => {
  const { kind, known, values } = categoryOf(day, field)
  return withField(day, field, { kind, known, values: values.map(change) })
}

/** The day with only the rows that `keep` names, by row number, a row as often as it is named. */
const rowsOf = (day: WindowRows, keep: readonly number[]): WindowRows => ({
  startMs: day.startMs,
  timesMs: Float64Array.from(keep, (row) => day.timesMs[row]!),
  isDuplicate: Uint8Array.from(keep, (row, at) =>
    at > 0 && keep[at - 1] === row ? 1 : day.isDuplicate[row]!,
  ),
  isLate: Uint8Array.from(keep, (row) => day.isLate[row]!),
  users: Float64Array.from(keep, (row) => day.users![row]!),
  fields: Object.fromEntries(
    Object.entries(day.fields).map(([name, column]) => [
      name,
      column.kind === 'category'
        ? { kind: 'category', known: column.known, values: keep.map((row) => column.values[row]!) }
        : {
            kind: 'number',
            range: column.range,
            values: Float64Array.from(keep, (row) => column.values[row]!),
            groups: keep.map((row) => column.groups?.[row] ?? ''),
          },
    ]),
  ),
})

const hourOf = (day: WindowRows, row: number): number =>
  Math.floor((day.timesMs[row]! - day.startMs) / HOUR_MS)

const keepRows = (day: WindowRows, isKept: (row: number) => boolean): WindowRows =>
  rowsOf(
    day,
    Array.from(day.timesMs.keys()).filter((row) => isKept(row)),
  )

const shiftClock = (day: WindowRows, hours: number): WindowRows => ({
  ...day,
  timesMs: day.timesMs.map((timeMs) => timeMs + hours * HOUR_MS),
})

/** Faults that must be found on the day that they come. */
export const FAULTS: readonly InjectedFault[] = [
  {
    name: 'a fifth of a field is lost',
    kind: 'missing',
    field: 'distance_km',
    inject: (day, random) =>
      mapNumbers(day, 'distance_km', (value) => (random.next() < 0.2 ? Number.NaN : value)),
  },
  {
    name: 'a field is lost whole',
    kind: 'missing',
    field: 'device',
    inject: (day) => mapCategories(day, 'device', () => null),
  },
  {
    name: 'a code has another spelling',
    kind: 'unknown_categories',
    field: 'channel',
    inject: (day) => mapCategories(day, 'channel', (value) => (value === 'ch1' ? 'CH1' : value)),
  },
  {
    name: 'one value of twenty is broken',
    kind: 'out_of_range',
    field: 'latitude',
    inject: (day, random) => mapNumbers(day, 'latitude', (value) => (random.next() < 0.05 ? 0 : value)),
  },
  {
    name: 'units for cents',
    kind: 'unit',
    field: 'amount',
    inject: (day) => mapNumbers(day, 'amount', (value) => value / 100),
  },
  {
    name: 'cents for units in one currency',
    kind: 'unit',
    field: 'amount',
    inject: (day) => {
      const { groups } = numberOf(day, 'amount')
      return mapNumbers(day, 'amount', (value, row) => (groups![row] === 'GBP' ? value * 100 : value))
    },
  },
  {
    name: 'milliseconds for seconds',
    kind: 'unit',
    field: 'seconds_since_last',
    inject: (day) => mapNumbers(day, 'seconds_since_last', (value) => value * 1000),
  },
  {
    name: 'seconds for minutes',
    kind: 'unit',
    field: 'minutes_of_session',
    inject: (day) => mapNumbers(day, 'minutes_of_session', (value) => value * 60),
  },
  {
    name: 'a stuck number',
    kind: 'constant',
    field: 'distance_km',
    inject: (day) => mapNumbers(day, 'distance_km', (value) => (Number.isNaN(value) ? value : 7.5)),
  },
  {
    name: 'a stuck category',
    kind: 'constant',
    field: 'merchant_category',
    inject: (day) => mapCategories(day, 'merchant_category', () => 'm3'),
  },
  {
    name: 'a delivery sent twice in part',
    kind: 'duplicates',
    field: null,
    inject: (day, random) =>
      rowsOf(
        day,
        Array.from(day.timesMs.keys()).flatMap((row) => (random.next() < 0.03 ? [row, row] : [row])),
      ),
  },
  {
    name: 'a tenth of the rows is late',
    kind: 'late',
    field: null,
    inject: (day, random) => ({
      ...day,
      isLate: day.isLate.map((flag) => (random.next() < 0.1 ? 1 : flag)),
    }),
  },
  {
    name: 'three hours of silence',
    kind: 'silent_hours',
    field: null,
    inject: (day) => keepRows(day, (row) => hourOf(day, row) < 11 || hourOf(day, row) > 13),
  },
  {
    name: 'half of the rows',
    kind: 'volume_drop',
    field: null,
    inject: (day) => keepRows(day, (row) => row % 2 === 0),
  },
  {
    name: 'rows threefold',
    kind: 'volume_surge',
    field: null,
    inject: (day) => {
      const rows = Array.from(day.timesMs.keys())
      return rowsOf(day, [...rows, ...rows, ...rows])
    },
  },
  {
    name: 'a clock of another zone',
    kind: 'shifted_clock',
    field: null,
    inject: (day) => shiftClock(day, 5),
  },
  {
    name: 'daylight saving applied twice',
    kind: 'shifted_clock',
    field: null,
    inject: (day) => shiftClock(day, 1),
  },
  {
    name: 'decimals cut off',
    kind: 'truncated_decimals',
    field: 'fee',
    inject: (day) => mapNumbers(day, 'fee', (value) => Math.trunc(value)),
  },
  {
    name: 'cents cut off',
    kind: 'truncated_decimals',
    field: 'amount',
    inject: (day) => mapNumbers(day, 'amount', (value) => 100 * Math.trunc(value / 100)),
  },
  {
    name: 'two numbers swapped',
    kind: 'swapped_columns',
    field: 'distance_km',
    inject: (day) => {
      const [distance, seconds] = [numberOf(day, 'distance_km'), numberOf(day, 'seconds_since_last')]
      const swapped = withField(day, 'distance_km', { ...distance, values: seconds.values })
      return withField(swapped, 'seconds_since_last', { ...seconds, values: distance.values })
    },
  },
  {
    name: 'two categories swapped',
    kind: 'swapped_columns',
    field: 'country',
    inject: (day) => {
      const [country, device] = [categoryOf(day, 'country'), categoryOf(day, 'device')]
      const swapped = withField(day, 'country', { ...country, values: device.values })
      return withField(swapped, 'device', { ...device, values: country.values })
    },
  },
]
