import type { PromotionSettings } from '../../config/sections/promotion.ts'
import { boundWord, reaches, worseBy, worseWord } from '../../evaluation/figure.ts'
import { COMPARABLE_FIGURES, keyOf, type NamedFigure } from '../../evaluation/figures.ts'
import { isParity, type ParityReport } from '../parity/parity-report.ts'
import type { ServingLatency } from '../parity/serve-run.ts'
import type { TestFigures } from './test-figures.ts'

/** Gates by the name that `--skip` takes; each may ask for several things. */
export const PROMOTION_GATES = ['artifact', 'minimum', 'regression', 'parity', 'latency'] as const

export type PromotionGate = (typeof PROMOTION_GATES)[number]

/** Gates that an exception can be made of. What cannot be verified cannot be used either. */
export const SKIPPABLE_GATES = PROMOTION_GATES.filter((gate) => gate !== 'artifact')

/** What stands as `got` where nothing was measured. */
export const NOT_MEASURED = 'not measured'

/** One thing that was asked for, and what came. Texts are for people. */
export interface PromotionGateResult {
  readonly gate: PromotionGate
  /** `ROC-AUC on test`. */
  readonly name: string
  readonly passed: boolean
  /** Whether it was passed over by somebody's decision. */
  readonly skipped: boolean
  /** `at least 0.9`. */
  readonly wanted: string
  readonly got: string
  /** Why it did not pass, or why there was nothing to ask; empty otherwise. */
  readonly why: string
}

/** What was measured, or in words why it could not be. */
export type Measured<T> = T | { readonly notMeasured: string }

/** All that the gates look at. */
export interface GateMeasurements {
  /** SHA-256 of the verified artifact. */
  readonly artifact: Measured<{ readonly sha256: string }>
  /** The version's figures on the test rows of its training. */
  readonly figures: Measured<TestFigures>
  /** Both versions on the same rows; null where the alias names no version yet. */
  readonly regression: Measured<{
    readonly present: TestFigures & { readonly version: number }
    readonly candidate: TestFigures
  }> | null
  readonly parity: Measured<ParityReport>
  readonly latency: Measured<ServingLatency>
}

/** Judges every gate of the settings, in order. A gate whose figure was not measured does not pass. */
export const judgePromotion = (
  settings: PromotionSettings,
  measurements: GateMeasurements,
  skip: readonly PromotionGate[],
): readonly PromotionGateResult[] =>
  [
    artifactGate(measurements),
    ...minimumGates(settings, measurements),
    ...regressionGates(settings, measurements),
    parityGate(measurements),
    ...latencyGates(settings, measurements),
  ].map((result) => ({ ...result, skipped: !result.passed && skip.includes(result.gate) }))

type GateOutcome = Omit<PromotionGateResult, 'skipped'>

const isMissing = <T>(measured: Measured<T>): measured is { readonly notMeasured: string } =>
  typeof measured === 'object' && measured !== null && 'notMeasured' in measured

const notMeasured = (
  what: Pick<GateOutcome, 'gate' | 'name' | 'wanted'>,
  { notMeasured: why }: { readonly notMeasured: string },
): GateOutcome => ({ ...what, passed: false, got: NOT_MEASURED, why })

const artifactGate = ({ artifact }: GateMeasurements): GateOutcome => {
  const what = { gate: 'artifact', name: 'artifact', wanted: 'every file as registered' } as const
  if (isMissing(artifact)) return notMeasured(what, artifact)
  return { ...what, passed: true, got: `SHA-256 ${artifact.sha256.slice(0, 12)}`, why: '' }
}

const minimumGates = ({ minimum }: PromotionSettings, { figures }: GateMeasurements): GateOutcome[] => {
  const asked = COMPARABLE_FIGURES.filter(({ name }) => minimum[name] !== null)
  if (asked.length === 0)
    return [
      {
        gate: 'minimum',
        name: 'figures on test',
        passed: true,
        wanted: 'any',
        got: '',
        why: 'promotion.minimum asks for none',
      },
    ]
  return asked.map((figure): GateOutcome => {
    const bound = minimum[figure.name]!
    const what = {
      gate: 'minimum',
      name: `${figure.title} on test`,
      wanted: `at ${boundWord(figure)} ${bound}`,
    } as const
    if (isMissing(figures)) return notMeasured(what, figures)
    const got = figures[keyOf(figure)] ?? null
    const passed = got !== null && reaches(figure, got, bound)
    const why = passed ? '' : `${worseWord(figure)} than promotion.minimum.${figure.name}`
    return { ...what, passed, got: tellFigure(got), why }
  })
}

const regressionGates = (
  { regression }: PromotionSettings,
  measurements: GateMeasurements,
): GateOutcome[] => {
  const compared = measurements.regression
  if (compared === null)
    return [
      {
        gate: 'regression',
        name: 'figures beside the present version',
        passed: true,
        wanted: 'no step back',
        got: '',
        why: 'the alias names no version yet',
      },
    ]
  const asked = COMPARABLE_FIGURES.filter(({ name }) => regression[name] !== null)
  if (asked.length === 0)
    return [
      {
        gate: 'regression',
        name: 'figures beside the present version',
        passed: true,
        wanted: 'any',
        got: '',
        why: 'promotion.regression asks for none',
      },
    ]
  return asked.map((figure) => regressionGate(figure, regression[figure.name]!, compared))
}

const regressionGate = (
  figure: NamedFigure,
  margin: number,
  compared: NonNullable<GateMeasurements['regression']>,
): GateOutcome => {
  const name = `${figure.title} on test, same rows`
  if (isMissing(compared)) return notMeasured({ gate: 'regression', name, wanted: 'no step back' }, compared)
  const { present, candidate } = compared
  const theirs = present[keyOf(figure)] ?? null
  const mine = candidate[keyOf(figure)] ?? null
  const what = { gate: 'regression', name, got: tellFigure(mine) } as const
  if (theirs === null)
    return { ...what, wanted: 'no step back', passed: true, why: 'not defined for the present version' }
  const bound = worseBy(figure, theirs, margin)
  const passed = mine !== null && reaches(figure, mine, bound)
  return {
    ...what,
    wanted: `at ${boundWord(figure)} ${tellFigure(bound)} (version ${present.version}: ${tellFigure(theirs)})`,
    passed,
    why: passed ? '' : `worse by more than promotion.regression.${figure.name}`,
  }
}

/** Features that are named in a sentence. */
const MOST_NAMED = 5

const parityGate = ({ parity }: GateMeasurements): GateOutcome => {
  const what = { gate: 'parity', name: 'serving beside training', wanted: 'every value the same' } as const
  if (isMissing(parity)) return notMeasured(what, parity)
  const { rows, values, differing, missing, extra, source } = parity
  const got = `${differing.reduce((sum, { count }) => sum + count, 0)} of ${values} values differ, in ${rows} rows`
  if (isParity(parity)) return { ...what, passed: true, got, why: '' }
  const named = differing.slice(0, MOST_NAMED).map(({ feature, count }) => `${feature} (${count})`)
  const reasons = [
    ...(rows === 0 ? ['nothing was compared'] : []),
    ...(named.length > 0
      ? [`differ: ${named.join(', ')}${differing.length > MOST_NAMED ? ', ...' : ''}`]
      : []),
    ...(missing > 0 ? [`${missing} transactions or labels are missing in the log`] : []),
    ...(extra > 0 ? [`${extra} transactions are too many: decided on twice, or unknown`] : []),
  ]
  return { ...what, passed: false, got, why: `${reasons.join('; ')} (${source})` }
}

const latencyGates = ({ latency: budget }: PromotionSettings, { latency }: GateMeasurements): GateOutcome[] =>
  (['p50', 'p99'] as const).flatMap((quantile): GateOutcome[] => {
    const most = budget[quantile]
    if (most === null) return []
    const what = { gate: 'latency', name: `decision, ${quantile}`, wanted: `at most ${most} ms` } as const
    if (isMissing(latency)) return [notMeasured(what, latency)]
    if (latency.calls === 0) return [notMeasured(what, { notMeasured: 'no transaction was served' })]
    const passed = latency[quantile] <= most
    const got = `${latency[quantile].toFixed(3)} ms`
    return [{ ...what, passed, got, why: passed ? '' : `over promotion.latency.${quantile}` }]
  })

const tellFigure = (figure: number | null): string => (figure === null ? 'not defined' : figure.toFixed(4))
