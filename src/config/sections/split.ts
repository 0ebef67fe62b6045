import { type Static, Type } from 'typebox'
import { DURATION_PATTERN } from '../../foundation/duration.ts'

const instant = (description: string) =>
  Type.Union(
    [
      Type.String({
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$',
        unit: 'UTC day or instant',
      }),
      Type.Null(),
    ],
    { default: null, description },
  )

const share = (fallback: number, minimum: number, description: string) =>
  Type.Number({ default: fallback, minimum, maximum: 0.9, unit: 'share', description })

/** Which rows train, validate and test. */
export const SplitSchema = Type.Object(
  {
    method: Type.Union([Type.Literal('temporal'), Type.Literal('stratified')], {
      default: 'temporal',
      description:
        'temporal trains on the past and tests on the future, as production does. stratified draws at random by class; with features of history it knows the future and its figures are too good.',
    }),
    by: Type.Union([Type.Literal('event_time'), Type.Literal('rows')], {
      default: 'event_time',
      description:
        'temporal without dates: what the shares are of. event_time gives each part its share of the time, as calendars do; rows gives it its share of the labelled rows, for data that comes thick and thin. Both cut at an instant.',
    }),
    warm_up: Type.String({
      default: '30d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'temporal without dates: history before the training rows that only fills windows. The longest window is 30 days.',
    }),
    gap: Type.Union([Type.String({ pattern: DURATION_PATTERN, unit: 'duration' }), Type.Null()], {
      default: null,
      description:
        'temporal without dates: time left out between parts, so that labels of one are known when the next begins. null means labels.delay.',
    }),
    validation: share(
      0.2,
      0,
      'Share of the time or of the rows (temporal: split.by) or rows (stratified) for choosing the threshold; 0 for none.',
    ),
    test: share(
      0.2,
      0.01,
      'Share of the time or of the rows (temporal: split.by) or rows (stratified) for the final judgement. Training gets the rest.',
    ),
    dates: Type.Object(
      {
        train_from: instant('First instant of training.'),
        train_to: instant('End of training, exclusive.'),
        validation_from: instant('First instant of validation; without it nothing validates.'),
        validation_to: instant('End of validation, exclusive.'),
        test_from: instant('First instant of the test.'),
        test_to: instant('End of the test, exclusive.'),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'temporal: the parts by date. All of train and test, or none; none means shares.',
      },
    ),
    exclude_known_compromised: Type.Boolean({
      default: false,
      description:
        'temporal: leave users out of the test whose fraud is known by then. A published benchmark does; it asks for frauds not yet stopped.',
    }),
  },
  { additionalProperties: false, description: 'How rows are divided into training, validation and test.' },
)

export type SplitSettings = Static<typeof SplitSchema>
