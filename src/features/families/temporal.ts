import { cos, sin } from '../../foundation/elementary/trigonometry.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { type FeaturePhrase, yesOrNo } from '../phrase.ts'

const HOURS = 24
const DAYS = 7
const TURN = 2 * Math.PI

/** When the transaction happens, in the configured time zone. */
export const temporal: FeatureFamily = {
  name: 'temporal',
  title: 'Time',
  meaning: 'When the transaction happens, in local time of the configured zone.',
  features: ({ businessHours, night }) => [
    clock(
      'hour',
      'Hour of the day.',
      'hours',
      [0, 23],
      { text: 'local time is {}', as: 'hour' },
      (moment) => moment.hour,
    ),
    clock(
      'minute_of_day',
      'Minutes since local midnight.',
      'minutes',
      [0, 1439],
      { text: 'local time is {}' },
      (moment) => moment.minuteOfDay,
    ),
    clock(
      'weekday',
      'Day of the week, Monday 0 to Sunday 6.',
      'days',
      [0, 6],
      { text: 'day is {}', as: 'weekday' },
      (moment) => moment.weekday,
    ),
    clock(
      'day_of_month',
      'Day of the month.',
      'days',
      [1, 31],
      { text: 'day of the month is {}', as: 'number' },
      (moment) => moment.dayOfMonth,
    ),
    clock(
      'is_weekend',
      'Saturday or Sunday.',
      'boolean',
      [0, 1],
      yesOrNo('on a weekend', 'not on a weekend'),
      (moment) => (moment.weekday >= 5 ? 1 : 0),
    ),
    clock(
      'is_business_hours',
      'Within business hours, Monday to Friday.',
      'boolean',
      [0, 1],
      yesOrNo('within business hours', 'outside business hours'),
      (moment) =>
        moment.weekday < 5 && moment.hour >= businessHours.from && moment.hour < businessHours.to ? 1 : 0,
    ),
    clock(
      'is_night',
      'Within the hours of night.',
      'boolean',
      [0, 1],
      yesOrNo('at night', 'not at night'),
      (moment) => (moment.hour >= night.from && moment.hour < night.to ? 1 : 0),
    ),
    clock(
      'hour_sin',
      'Sine of the time of day as an angle, so that midnight has two neighbours.',
      'ratio',
      [-1, 1],
      { text: 'local time is about {}', as: 'sine of day' },
      (moment) => sin((moment.minuteOfDay / (HOURS * 60)) * TURN),
    ),
    clock(
      'hour_cos',
      'Cosine of the time of day as an angle.',
      'ratio',
      [-1, 1],
      { text: 'local time is about {}', as: 'cosine of day' },
      (moment) => cos((moment.minuteOfDay / (HOURS * 60)) * TURN),
    ),
    clock(
      'weekday_sin',
      'Sine of the weekday as an angle.',
      'ratio',
      [-1, 1],
      { text: 'day is {}', as: 'sine of week' },
      (moment) => sin((moment.weekday / DAYS) * TURN),
    ),
    clock(
      'weekday_cos',
      'Cosine of the weekday as an angle.',
      'ratio',
      [-1, 1],
      { text: 'day is {}', as: 'cosine of week' },
      (moment) => cos((moment.weekday / DAYS) * TURN),
    ),
  ],
}

type Moment = import('../moment.ts').Moment

const clock = (
  name: string,
  meaning: string,
  unit: string,
  range: readonly [number, number],
  phrase: FeaturePhrase,
  value: (moment: Moment) => number,
): Feature => ({
  name,
  meaning,
  unit,
  range,
  missing: 'never',
  phrase,
  bind:
    ({ moment }) =>
    () =>
      value(moment),
})
