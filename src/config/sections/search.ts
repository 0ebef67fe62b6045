import { type Static, Type } from 'typebox'
import { SCORING_FIGURES } from '../../evaluation/figures.ts'
import { DURATION_PATTERN } from '../../foundation/duration.ts'
import { figureChoice } from '../figure-settings.ts'

const durationOrNull = (description: string) =>
  Type.Union([Type.String({ pattern: DURATION_PATTERN, unit: 'duration' }), Type.Null()], {
    default: null,
    description,
  })

/** How the settings of a model that has a `grid` are looked for, on the training rows alone. */
export const SearchSchema = Type.Object(
  {
    method: Type.Union([Type.Literal('grid'), Type.Literal('random')], {
      default: 'grid',
      description:
        'grid tries every combination of a model’s grid, random as many as candidates. Only models with a grid are searched.',
    }),
    candidates: Type.Integer({
      default: 20,
      minimum: 1,
      maximum: 10_000,
      unit: 'combinations',
      description:
        'random: combinations tried a model, none twice. With 20 draws, one of the best 14 % is among them with probability .95.',
    }),
    validation: Type.Union([Type.Literal('prequential'), Type.Literal('stratified')], {
      default: 'prequential',
      description:
        'prequential learns from the past and judges on what comes later, fold after fold, as production does. stratified divides rows at random by class; it needs no long history, but knows the future.',
    }),
    folds: Type.Integer({
      default: 4,
      minimum: 2,
      maximum: 100,
      unit: 'folds',
      description: 'Times each combination is learnt and judged. Each costs one fit; four show the spread.',
    }),
    window: Type.Union([Type.Literal('expanding'), Type.Literal('sliding')], {
      default: 'expanding',
      description:
        'prequential: expanding learns from all that is past, sliding from as long a past as the first fold has, so that folds differ in time only.',
    }),
    test_length: durationOrNull(
      'prequential: time that each fold is judged on; the folds end with the training rows, and the first learns from what is before them. null divides the time without the gap by folds + 1.',
    ),
    gap: durationOrNull(
      'prequential: time left out between what is learnt and what is judged, so that labels are known. null means labels.delay.',
    ),
    scoring: figureChoice(SCORING_FIGURES, {
      default: 'roc_auc',
      description:
        'Figure that is best on average over the folds (docs/figures.md). roc_auc as elsewhere; average_precision and daily_precision (evaluation.top_k) look at the top of the list; expected_cost goes by evaluation.costs. f1 and expected_cost are those of the best threshold of each fold.',
    }),
    tie_tolerance: Type.Number({
      default: 0,
      minimum: 0,
      unit: 'unit of scoring',
      description:
        'Means this close to the best count as equal, and the combination written first wins: write simple values first. 0 for equal means only.',
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'How settings of models with a grid are searched.',
  },
)

export type SearchSettings = Static<typeof SearchSchema>
