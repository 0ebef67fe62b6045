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
    unlabelled: Type.Optional(
      Type.Union([Type.Literal('unknown'), Type.Literal('genuine_after_delay')], {
        description:
          'What a transaction is of which nobody tells a label. unknown: it counts in no risk and nothing is learnt from it. genuine_after_delay: it is genuine from its time plus labels.delay on, until somebody tells otherwise; training and serving do so alike, serving by itself. For banks that report frauds alone: with unknown, risks would know frauds only and be 1. Default unknown, because a source that has no label for a reason would otherwise teach that it is genuine.',
      }),
    ),
    flagged: Type.Optional(
      Type.Union([Type.Literal('reviewed'), Type.Literal('blocked')], {
        description:
          'What became of transactions that a service flagged, where its log is trained on (vigia-log://). reviewed: somebody looked at them and told their labels; each row counts once. blocked: nobody learns what they would have been, so that their labels are censored: they are left out, and those that the control sample let through count for 1 / propensity in their place. Default reviewed, because most banks look at alerts.',
      }),
    ),
  },
  { additionalProperties: false, description: 'When labels become known.' },
)

export type LabelsSettings = Static<typeof LabelsSchema>
