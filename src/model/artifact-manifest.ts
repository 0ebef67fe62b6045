import { type Static, Type } from 'typebox'
import type { Calibration } from '../learning/calibration/calibration.ts'
import { MOST_DECIMALS, MOST_MINOR, ROUNDINGS, type Rounding } from '../transaction/amount-rules.ts'
import { SourceMappingSchema } from '../transaction/source-mapping.ts'

/** Version of the layout of an artifact. */
export const ARTIFACT_SCHEMA = 2

const closed = { additionalProperties: false }
const strings = Type.Array(Type.String())
const probability = Type.Number({ minimum: 0, maximum: 1 })
const count = Type.Integer({ minimum: 0 })
const settings = Type.Record(Type.String(), Type.Unknown())

const AmountRulesSchema = Type.Object(
  {
    currency: Type.String(),
    decimals: Type.Integer({ minimum: 0, maximum: MOST_DECIMALS }),
    largestMinor: Type.Integer({ minimum: 1, maximum: MOST_MINOR }),
    rounding: Type.Unsafe<Rounding>({ enum: [...ROUNDINGS] }),
    zero: Type.Boolean(),
    refunds: Type.Boolean(),
    /** Absent where amounts are of one currency, and in artifacts of before there was any. */
    base: Type.Optional(
      Type.Object(
        {
          currency: Type.String(),
          rate: Type.String(),
          decimals: Type.Integer({ minimum: 0, maximum: MOST_DECIMALS }),
          largestMinor: Type.Integer({ minimum: 1, maximum: MOST_MINOR }),
        },
        closed,
      ),
    ),
  },
  closed,
)

const RiskLevelsSchema = Type.Object(
  { medium: Type.Number(), high: Type.Number(), critical: Type.Number() },
  closed,
)

const CalibrationSchema = Type.Union([
  Type.Object({ method: Type.Literal('none') }, closed),
  Type.Object({ method: Type.Literal('platt'), slope: Type.Number(), intercept: Type.Number() }, closed),
  Type.Object(
    {
      method: Type.Literal('isotonic'),
      x: Type.Array(Type.Number(), { minItems: 1 }),
      y: Type.Array(probability, { minItems: 1 }),
    },
    closed,
  ),
])

/** `manifest.json`: everything but the model itself, and where all of it came from. */
export const ManifestSchema = Type.Object(
  {
    schema: Type.Literal(ARTIFACT_SCHEMA),
    project: Type.String(),
    /**
     * For people: `Gradient boosting`; the settings it was fitted with, none when it was imported; the native
     * library that fitted it, null for ours; the file that it was imported from, by name and SHA-256, absent
     * when the run trained it.
     */
    model: Type.Object(
      {
        title: Type.String(),
        settings,
        library: Type.Union([Type.String(), Type.Null()]),
        importedFrom: Type.Optional(
          Type.Object({ file: Type.String(), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed),
        ),
      },
      closed,
    ),
    /**
     * Names in the order of the vector, those whose values are codes without an order, and the SHA-256 of the
     * names.
     */
    features: Type.Object({ names: strings, categorical: strings, hash: Type.String() }, closed),
    /**
     * The `features` and `labels` settings that the features were computed with, and by which rules amounts
     * were read; without these all amounts are above 0, with two decimals.
     */
    featureSettings: Type.Object(
      { features: Type.Unknown(), labels: Type.Unknown(), amounts: Type.Optional(AmountRulesSchema) },
      closed,
    ),
    /** How the rows of the bank's own tables become transactions; absent in artifacts of before it was. */
    source: Type.Optional(SourceMappingSchema),
    /** What features and cleaning took from the training rows. */
    fitted: Type.Object({ features: Type.Unknown(), cleaning: Type.Unknown() }, closed),
    /** How features were selected, and why the others were dropped. */
    selection: Type.Object(
      {
        methods: strings,
        dropped: Type.Array(Type.Object({ feature: Type.String(), reason: Type.String() }, closed)),
      },
      closed,
    ),
    /**
     * What turns raw probabilities into those that threshold and risk levels are about, and how it was
     * chosen.
     */
    calibration: CalibrationSchema,
    calibrationChoice: Type.String(),
    threshold: probability,
    thresholdChoice: Type.String(),
    riskLevels: RiskLevelsSchema,
    /**
     * Every model that was trained, with its figures on validation and test; `chosenBy` says why it is this
     * one.
     */
    candidates: Type.Array(Type.Unknown()),
    chosenBy: Type.String(),
    /**
     * Where the same model stands for other runtimes: one input of `double[rows, features]`, one output of
     * probabilities. `float32`: the same in floats of 32 bits, and how many of the run's validation rows it
     * gives another probability (by more than 1e-6) or another decision; absent where the model's numbers are
     * beyond floats, and in artifacts of before there was one.
     */
    onnx: Type.Object(
      {
        file: Type.Literal('model.onnx'),
        float32: Type.Optional(
          Type.Object(
            {
              file: Type.Literal('model-float32.onnx'),
              rows: count,
              differing: count,
              flaggedOtherwise: count,
              largestDifference: probability,
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    /**
     * Where the distributions stand that drift is measured against, and what each of the latest days of the
     * data was like: what is usual from day to day. `days` is absent in artifacts of before there was any,
     * and of imported models.
     */
    reference: Type.Object(
      {
        file: Type.Literal('reference.json'),
        days: Type.Optional(Type.Object({ file: Type.Literal('days.bin') }, closed)),
      },
      closed,
    ),
    /** SHA-256 of each source file, by name. */
    data: Type.Unknown(),
    split: Type.Unknown(),
    seed: Type.Unknown(),
    codeVersion: Type.String(),
    metrics: Type.Unknown(),
  },
  closed,
)

export type ArtifactManifest = Omit<Static<typeof ManifestSchema>, 'calibration'> & {
  readonly calibration: Calibration
}

/** From which probability on a risk is `medium`, `high`, `critical`. */
export type RiskLevels = Static<typeof RiskLevelsSchema>

/**
 * Why a calibration of the right shape must not be used: it has to be a rising function into [0, 1].
 * Undefined when sound.
 */
export const whyCalibrationUnsound = (calibration: Calibration): string | undefined => {
  if (calibration.method !== 'isotonic') return undefined
  const { x, y } = calibration
  if (x.length !== y.length) return `/calibration has ${x.length} x for ${y.length} y`
  for (let at = 1; at < x.length; at++) {
    if (!(x[at]! > x[at - 1]!)) return `/calibration/x/${at} is not above the one before`
    if (!(y[at]! >= y[at - 1]!)) return `/calibration/y/${at} is below the one before`
  }
  return undefined
}
