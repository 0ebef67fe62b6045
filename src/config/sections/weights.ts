import { type Static, Type } from 'typebox'
import { WINDOW_PATTERN } from '../../foundation/duration.ts'

/** How much each row counts in training. */
export const WeightsSchema = Type.Object(
  {
    half_life: Type.Union([Type.String({ pattern: WINDOW_PATTERN, unit: 'duration' }), Type.Null()], {
      default: null,
      description:
        'A training row that is so much older than the latest counts half, one twice as old a quarter. null: all count alike, which is best while fraud stays as it is; a retraining after a change sets it.',
    }),
    left_out: Type.Array(Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }), {
      default: [],
      uniqueItems: true,
      description:
        'UTC days whose training rows weigh nothing, because their data were broken. They still build states: what was served had seen them too.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'How much each training row counts.' },
)

export type WeightsSettings = Static<typeof WeightsSchema>
