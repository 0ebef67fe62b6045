import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import type { ChartSpecification } from '../chart.ts'
import { CHART_COLORS } from '../chart.ts'

/**
 * Plot without axes, in pixels: two fit beside each other on a wide page, and one on a phone stays legible.
 */
export const SIZE = { width: 350, height: 250 } as const

/** One chart of a page: its title, how to read it, and what to draw. */
export interface Drawing {
  /** Name of its file where it is kept alone: `precision-recall`. */
  readonly name: string
  readonly title: string
  readonly reading: string
  readonly specification: ChartSpecification
}

/** The parts that curves are drawn for. */
export const DRAWN_PARTS = ['validation', 'test'] as const

/** An axis from 0 to 1 in tenths, or in percent. */
export const unitAxis = (field: string, title: string, format: '.1f' | '.0%' = '.1f') => ({
  field,
  type: 'quantitative',
  title,
  scale: { domain: [0, 1] },
  axis: { tickCount: 5, format, labelFlush: false },
})

/** An axis from 0 to 1 by square root: fraud is rare, so what matters crowds near 0 and needs the room. */
export const rootAxis = (field: string, title: string, values = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1]) => ({
  field,
  type: 'quantitative',
  title,
  scale: { type: 'sqrt', domain: [0, 1] },
  axis: { values, format: '~%', labelOverlap: false, labelFlush: false },
})

/**
 * Test solid in the accent colour, validation dashed in grey: dashes tell them apart where colours do not.
 */
export const partEncoding = {
  color: {
    field: 'part',
    type: 'nominal',
    scale: { domain: ['test', 'validation'], range: [CHART_COLORS.accent, CHART_COLORS.text] },
    legend: { symbolType: 'stroke', symbolSize: 500, symbolStrokeWidth: 2 },
  },
  strokeDash: {
    field: 'part',
    type: 'nominal',
    scale: {
      domain: ['test', 'validation'],
      range: [
        [1, 0],
        [5, 3],
      ],
    },
  },
} as const

/** Points of a curve of both parts with their part and place along the curve. */
export const pointsOf = <T extends object>(
  parts: Readonly<Record<(typeof DRAWN_PARTS)[number], PartEvaluation>>,
  curve: (part: PartEvaluation) => readonly T[],
): readonly (T & { readonly part: string; readonly index: number })[] =>
  DRAWN_PARTS.flatMap((part) => curve(parts[part]).map((point, index) => ({ ...point, part, index })))

/** A dotted grey line to compare with, through `values`. */
export const reference = (values: readonly object[], x: object, y: object): ChartSpecification => ({
  data: { values },
  mark: { type: 'line', strokeDash: [1, 3], strokeWidth: 1.5, color: CHART_COLORS.quiet },
  encoding: { x, y },
})

/** Words in grey at a point of the plot. */
export const note = (
  text: string,
  at: object,
  x: object,
  y: object,
  mark: object = {},
): ChartSpecification => ({
  data: { values: [{ ...at, text }] },
  mark: { type: 'text', align: 'right', dy: -7, color: CHART_COLORS.quiet, ...mark },
  encoding: { x, y, text: { field: 'text', type: 'nominal' } },
})

/**
 * A dashed upright line at the threshold with its value above the plot. `x` is the axis of the plot, its
 * field `field`.
 */
export const thresholdRule = (threshold: number, field: string, x: object): readonly ChartSpecification[] => {
  const data = { values: [{ [field]: threshold, text: `threshold ${Number(threshold.toPrecision(3))}` }] }
  return [
    { data, mark: { type: 'rule', strokeDash: [4, 4], color: CHART_COLORS.text }, encoding: { x } },
    {
      data,
      // Towards the middle of the plot, so that it is not cut off at either side.
      mark: {
        type: 'text',
        align: threshold > 0.3 ? 'right' : 'left',
        dx: threshold > 0.3 ? -5 : 5,
        color: CHART_COLORS.text,
      },
      encoding: { x, y: { value: 8 }, text: { field: 'text', type: 'nominal' } },
    },
  ]
}
