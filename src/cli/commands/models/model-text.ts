import type picocolors from 'picocolors'
import type { FloatComparison } from '../../../model/onnx/onnx-contents.ts'
import type { PromotionGateResult } from '../../../pipelines/promotion/gates.ts'
import type { NumberedPromotion } from '../../../pipelines/promotion/promotion.ts'
import type { ModelVersion } from '../../../ports/model-registry.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { metricNumber, minuteOf } from '../tracked-runs/run-text.ts'

type Paint = ReturnType<typeof picocolors.createColors>

/** A figure that the version has in its tags, as people read it; empty when it has none. */
export const figureOf = ({ tags }: ModelVersion, name: string): string => {
  const text = tags[`vigia.${name}`]
  if (text === undefined || text === 'null') return ''
  const value = Number(text)
  return Number.isNaN(value) ? onOneLine(text, 20) : metricNumber(value)
}

/** `gradient_boosting`; empty when the tags do not say. */
export const kindOf = ({ tags }: ModelVersion): string => onOneLine(tags['vigia.model'] ?? '', 30)

/** Decisions, the latest first, as a table. */
export const decisionTable = (decisions: readonly NumberedPromotion[], paint: Paint): string[] =>
  plainTable([
    ['', 'action', 'alias', 'from', 'to', 'by', 'when (UTC)', 'reason'].map(paint.dim),
    ...[...decisions]
      .reverse()
      .map(({ number, action, alias, from, to, by, at, reason, skipped }) => [
        String(number),
        action,
        alias,
        from === null ? '-' : String(from),
        String(to),
        onOneLine(by, 30),
        minuteOf(Date.parse(at)),
        `${onOneLine(reason)}${skipped.length === 0 ? '' : paint.yellow(` (skipped: ${skipped.join(', ')})`)}`,
      ]),
  ])

/** Gates with what was wanted and what came, as a table. */
export const gateTable = (gates: readonly PromotionGateResult[], paint: Paint): string[] =>
  plainTable([
    ['gate', '', 'asked', 'wanted', 'got', ''].map(paint.dim),
    ...gates.map(({ gate, name, passed, skipped, wanted, got, why }) => [
      gate,
      passed ? paint.green('passed') : skipped ? paint.yellow('skipped') : paint.red('FAILED'),
      name,
      wanted,
      got,
      onOneLine(why),
    ]),
  ])

/** How far `model-float32.onnx` is from the model; undefined: the model has no such file. */
export const floatWords = (comparison: FloatComparison | undefined): string => {
  if (comparison === undefined)
    return 'no model-float32.onnx: a number of the model is beyond floats, or its package is older than the file'
  const { rows, differing, flaggedOtherwise, largestDifference } = comparison
  const most = differing === 0 ? '' : `, by ${largestDifference.toPrecision(2)} at most`
  return `model-float32.onnx: of ${rows} validation rows ${differing} score otherwise${most}, ${flaggedOtherwise} are decided otherwise`
}
