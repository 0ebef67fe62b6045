import { exp } from '../foundation/elementary/exponential.ts'
import { acos, asin, cos, sin } from '../foundation/elementary/trigonometry.ts'
import { powerOfTen } from '../foundation/elementary/whole-powers.ts'
import type { FittedFeatures } from './fitted-features.ts'

/**
 * How the value of a feature is written for people, by name: mostly the feature's unit. The value is a number
 * but NaN; `fitted` is what codes and bands stand for.
 */
export type ValueText = (value: number, fitted: FittedFeatures) => string

/** Numbers from here on are only said to be over it: no reader counts more zeros. */
const LARGEST = 1e15
const MINUTES_PER_DAY = 1440
const TURN = 2 * Math.PI
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const

const DURATIONS = [
  ['year', 31_536_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/**
 * A number in at least three significant digits where they matter: 1,234 and 56.8 and 0.25. Below a hundredth
 * it is only said to be that small, from 1e15 on that large; minus zero is zero.
 */
export const numberText = (value: number): string => {
  const size = Math.abs(value)
  if (size >= LARGEST) return `${value < 0 ? 'under -' : 'over '}${grouped(String(LARGEST))}`
  if (size > 0 && size < 0.01) return value < 0 ? 'a little less than 0' : 'less than 0.01'
  const rounded = value.toFixed(size < 1 ? 2 : size < 100 ? 1 : 0)
  return grouped(rounded.includes('.') ? rounded.replace(/\.?0+$/, '') : rounded)
}

/**
 * `1 transaction`, `3 transactions`: `unit` is the plural of a word, with or without `per hour` behind it.
 */
export const countText = (value: number, unit: string): string => {
  const text = numberText(value)
  return `${text} ${text === '1' ? unit.replace(/s(?= per |$)/, '') : unit}`
}

/** A length of time in its largest unit: `40 seconds`, `2.5 hours`, `3 days`. A year is 365 days. */
export const durationText = (seconds: number): string => {
  if (seconds < 0) return `minus ${durationText(-seconds)}`
  const [unit, length] =
    DURATIONS.find(([, unitSeconds]) => Number((seconds / unitSeconds).toFixed(2)) >= 1) ?? DURATIONS.at(-1)!
  return countText(seconds / length, `${unit}s`)
}

/** With the currency's decimals, in units of it, whose name is not known here: `1,234.50`. */
const moneyText = (value: number, { amountDecimals: decimals = 2 }: FittedFeatures): string => {
  if (Math.abs(value) >= LARGEST) return numberText(value)
  const least = powerOfTen(-decimals)
  if (value > 0 && value < least / 2) return `less than ${least.toFixed(decimals)}`
  const rounded = value.toFixed(decimals)
  return grouped(Number(rounded) === 0 ? rounded.replace('-', '') : rounded)
}

/** What stands behind the decimal mark: `.05`. */
const centsText = (value: number, { amountDecimals: decimals = 2 }: FittedFeatures): string =>
  Number.isInteger(value) && value >= 0 && value < powerOfTen(decimals) && decimals > 0
    ? `.${String(value).padStart(decimals, '0')}`
    : numberText(value)

/** A percentage with one decimal; never rounded to all or nothing. */
const shareText = (value: number): string =>
  value > 0 && value < 0.0005
    ? 'less than 0.1%'
    : value >= 0.9995 && value < 1
      ? 'over 99.9%'
      : `${numberText(Number((value * 100).toFixed(1)))}%`

/** `23:05` of a minute of the day; a plain number where the day has no such minute. */
const timeText = (minute: number): string =>
  minute >= 0 && minute < MINUTES_PER_DAY
    ? `${twoDigits(Math.floor(minute / 60))}:${twoDigits(Math.floor(minute % 60))}`
    : numberText(minute)

const hourText = (hour: number): string =>
  hour >= 0 && hour < 24
    ? `${timeText(Math.floor(hour) * 60)} to ${twoDigits(Math.floor(hour))}:59`
    : numberText(hour)

/** The weekdays whose `wave` comes nearest to `value`: two, but where one is alone with its value. */
const weekdaysText = (value: number, wave: (angle: number) => number): string => {
  const distances = WEEKDAYS.map((_, day) => Math.abs(wave((day / WEEKDAYS.length) * TURN) - value))
  const nearest = Math.min(...distances)
  return WEEKDAYS.filter((_, day) => distances[day]! <= nearest + 1e-9).join(' or ')
}

/** The times of day whose sine or cosine is `value`, to the minute: two, but at the ends. */
const timesText = (angles: readonly number[]): string =>
  [
    ...new Set(
      angles
        .map((angle) => Math.round((angle / TURN) * MINUTES_PER_DAY + MINUTES_PER_DAY) % MINUTES_PER_DAY)
        .sort((a, b) => a - b)
        .map(timeText),
    ),
  ].join(' or ')

const deviationText = (value: number): string =>
  `${countText(Math.abs(value), 'standard deviations')} ${value < 0 ? 'below' : 'above'}`

/** `2 of 10 (50.00 to 80.00)`, bands told from 1 on. */
const bandText: ValueText = (band, fitted) => {
  const { amountBandEdgesMinor: edges, amountDecimals = 2 } = fitted
  if (!Number.isInteger(band) || band < 0 || band > edges.length) return numberText(band)
  const place = `${band + 1} of ${edges.length + 1}`
  const money = (edge: number) => moneyText(edges[edge]! / powerOfTen(amountDecimals), fitted)
  if (edges.length === 0) return place
  if (band === 0) return `${place} (up to ${money(0)})`
  return band === edges.length
    ? `${place} (over ${money(band - 1)})`
    : `${place} (over ${money(band - 1)}, up to ${money(band)})`
}

/** The vocabulary entry of a code in quotes, `another one` for a value that training did not know. */
export const entryText =
  (name: string): ValueText =>
  (code, { vocabularies }) => {
    const value = vocabularies[name]?.[code]?.value
    return value === undefined ? 'one that training did not know' : quoted(value)
  }

const QUOTED_CHARACTERS = 60

/**
 * Characters that would break the line or turn the direction of what follows; JSON escapes the other control
 * characters.
 */
const DISTURBING = /[\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** Categories come from whoever sent the transaction: shortened, on one line. */
const quoted = (text: string): string => {
  const plain = text.replace(DISTURBING, ' ')
  return JSON.stringify(plain.length > QUOTED_CHARACTERS ? `${plain.slice(0, QUOTED_CHARACTERS)}…` : plain)
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')

const grouped = (digits: string): string => digits.replace(/\B(?<!\..*)(?=(\d{3})+(?!\d))/g, ',')

const within = (value: number): number => Math.max(-1, Math.min(1, value))

/** How values are written, by unit or by a name of its own where the unit does not say it. */
export const VALUE_TEXTS = {
  currency: moneyText,
  'log currency': (value, fitted) => moneyText(exp(Math.min(value, 700)) - 1, fitted),
  'minor currency': centsText,
  share: shareText,
  ratio: numberText,
  seconds: durationText,
  days: (value) => durationText(value * 86_400),
  hour: hourText,
  minutes: timeText,
  weekday: (value) => WEEKDAYS[value] ?? numberText(value),
  number: numberText,
  'sine of day': (value) => timesText([asin(within(value)), Math.PI - asin(within(value))]),
  'cosine of day': (value) => timesText([acos(within(value)), TURN - acos(within(value))]),
  'sine of week': (value) => weekdaysText(value, sin),
  'cosine of week': (value) => weekdaysText(value, cos),
  'standard deviations': deviationText,
  nats: (value) => numberText(exp(Math.min(value, 700))),
  'amount band': bandText,
} satisfies Record<string, ValueText>

export type ValueTextName = keyof typeof VALUE_TEXTS

/** How a value of `unit` is written; an unknown unit is a plural that follows the number. */
export const valueTextOf = (unit: string): ValueText =>
  Object.hasOwn(VALUE_TEXTS, unit) ? VALUE_TEXTS[unit as ValueTextName] : (value) => countText(value, unit)
