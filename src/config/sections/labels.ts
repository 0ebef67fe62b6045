import { type Static, Type } from 'typebox'
import { DURATION_PATTERN } from '../../foundation/duration.ts'

/** When a transaction's label becomes known. */
export const LabelsSchema = Type.Object(
  {
    delay: Type.String({
      default: '7d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Time from a transaction until its label is known, when the source has no labelled_at. Risk features look no closer than this. A week is what investigations and chargebacks commonly take; without it, offline quality is an illusion.',
    }),
  },
  { additionalProperties: false, description: 'When labels become known.' },
)

export type LabelsSettings = Static<typeof LabelsSchema>
