/** A value with its place on the horizontal axis. */
export interface ChartPoint {
  readonly x: number
  /** NaN leaves a gap; the infinities are drawn at the edge they lie beyond. */
  readonly y: number
}

export interface ChartOptions {
  /** Whole width in columns, axis labels included; at least 30 are used. */
  readonly columns: number
  /** Lines of the plot itself. */
  readonly rows: number
  /** `braille` has 2 x 4 dots in a character; `ascii` is for terminals without Unicode. */
  readonly glyphs: 'braille' | 'ascii'
  /** What the horizontal axis counts: `step`. */
  readonly xLabel: string
}

/**
 * A line chart as lines of text: greatest and smallest value at the left, the ends of x below.
 *
 * Neighbouring finite values are joined; NaN breaks the line. A constant series lies in the middle. Empty
 * without points.
 */
export const terminalChart = (points: readonly ChartPoint[], options: ChartOptions): string[] => {
  if (points.length === 0) return []
  const { rows, glyphs, xLabel } = options
  const finite = points.filter(({ y }) => Number.isFinite(y)).map(({ y }) => y)
  const y = extentOf(finite)
  const labels = axisLabels(y, rows)
  const labelWidth = Math.max(...labels.map((label) => label.length))
  const width = Math.max(30, options.columns) - labelWidth - 2
  const canvas = createCanvas(width, rows, glyphs)
  const x = extentOf(points.map((point) => point.x))
  const columnOf = (value: number): number => scale(value, x, canvas.dotColumns, canvas.dotColumns / 2)
  const rowOf = (value: number): number =>
    canvas.dotRows - 1 - scale(value, y, canvas.dotRows, canvas.dotRows / 2)
  for (const [index, point] of points.entries()) {
    const column = columnOf(point.x)
    if (point.y === Number.POSITIVE_INFINITY) canvas.mark(column, 0, glyphs === 'braille' ? '▲' : '^')
    else if (point.y === Number.NEGATIVE_INFINITY)
      canvas.mark(column, canvas.dotRows - 1, glyphs === 'braille' ? '▼' : 'v')
    else if (!Number.isNaN(point.y)) {
      const before = points[index - 1]
      const from = before !== undefined && Number.isFinite(before.y) ? before : point
      canvas.line(columnOf(from.x), rowOf(from.y), column, rowOf(point.y))
    }
  }
  const [corner, side, tick, ground] = glyphs === 'braille' ? '└│┤─' : '+||-'
  const body = canvas
    .lines()
    .map((line, row) =>
      `${(labels[row] ?? '').padStart(labelWidth)} ${labels[row] ? tick : side}${line}`.trimEnd(),
    )
  const left = chartNumber(x.min)
  const right = x.max === x.min ? '' : chartNumber(x.max)
  const gap = Math.max(2, width - left.length - right.length)
  const middle = xLabel.padStart(Math.floor((gap + xLabel.length) / 2)).padEnd(gap)
  const indent = ' '.repeat(labelWidth + 1)
  return [
    ...body,
    `${indent}${corner}${(ground ?? '').repeat(width)}`,
    `${indent} ${left}${middle}${right}`.trimEnd(),
  ]
}

/**
 * A series as one line of blocks, ▁ the smallest and █ the greatest; of more values than `width`, means of
 * neighbours.
 *
 * NaN and the infinities are spaces; a constant series lies in the middle. Empty for fewer than two finite
 * values.
 */
export const sparkline = (values: readonly number[], width: number): string => {
  const count = Math.min(width, values.length)
  const means = Array.from({ length: count }, (_, bucket) => {
    const from = Math.floor((bucket * values.length) / count)
    const to = Math.floor(((bucket + 1) * values.length) / count)
    const finite = values.slice(from, to).filter(Number.isFinite)
    return finite.reduce((sum, value) => sum + value / finite.length, finite.length === 0 ? Number.NaN : 0)
  })
  const finite = means.filter(Number.isFinite)
  if (finite.length < 2) return ''
  const extent = extentOf(finite)
  return means
    .map((mean) => (Number.isFinite(mean) ? BLOCKS[scale(mean, extent, BLOCKS.length, 3)] : ' '))
    .join('')
}

const BLOCKS = '▁▂▃▄▅▆▇█'

interface Extent {
  readonly min: number
  readonly max: number
}

/** 0 to 0 for nothing at all: a chart of NaN alone still has axes. */
const extentOf = (values: readonly number[]): Extent => {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  // No spread into Math.min: a history may have more values than a call takes arguments.
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return values.length === 0 ? { min: 0, max: 0 } : { min, max }
}

/** Cell 0 to cells - 1. Halved before subtracting, so that the widest range does not overflow. */
const scale = (value: number, { min, max }: Extent, cells: number, whenConstant: number): number =>
  max === min
    ? Math.floor(whenConstant)
    : Math.round(((value / 2 - min / 2) / (max / 2 - min / 2)) * (cells - 1))

/** By row; rows between them have none. */
const axisLabels = ({ min, max }: Extent, rows: number): string[] => {
  const labels = Array.from({ length: rows }, () => '')
  const middle = Math.floor((rows - 1) / 2)
  if (min === max) {
    labels[middle] = chartNumber(min)
    return labels
  }
  // As many digits as the range needs: a curve from .91234 to .91236 has two labels too.
  const isNear = (value: number, digits: number): boolean =>
    Math.abs(Number(value.toPrecision(digits)) - value) / (max / 2 - min / 2) < 0.05
  const digits = [4, 6, 8, 10, 12].find((count) => isNear(min, count) && isNear(max, count)) ?? 17
  labels[0] = chartNumber(max, digits)
  labels[rows - 1] = chartNumber(min, digits)
  return labels
}

/** Four significant digits without trailing zeros. */
const chartNumber = (value: number, digits = 4): string =>
  Number.isInteger(value) && Math.abs(value) < 1e15
    ? String(value)
    : String(Number(value.toPrecision(digits)))

interface Canvas {
  readonly dotColumns: number
  readonly dotRows: number
  line(fromColumn: number, fromRow: number, toColumn: number, toRow: number): void
  /** One whole character at the place of a dot. */
  mark(column: number, row: number, glyph: string): void
  lines(): string[]
}

const createCanvas = (columns: number, rows: number, glyphs: ChartOptions['glyphs']): Canvas => {
  const [across, down] = glyphs === 'braille' ? [2, 4] : [1, 1]
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0))
  const marks = new Map<string, string>()
  const placeOf = (column: number, row: number): [number, number] => [
    Math.floor(row / down),
    Math.floor(column / across),
  ]
  const dot = (column: number, row: number): void => {
    const [line, cell] = placeOf(column, row)
    const bits = cells[line]
    if (bits?.[cell] === undefined) return
    bits[cell] |= glyphs === 'braille' ? (BRAILLE_BITS[row % 4]?.[column % 2] ?? 0) : 1
  }
  return {
    dotColumns: columns * across,
    dotRows: rows * down,
    line: (fromColumn, fromRow, toColumn, toRow) => {
      const steps = Math.max(Math.abs(toColumn - fromColumn), Math.abs(toRow - fromRow), 1)
      for (let step = 0; step <= steps; step++)
        dot(
          Math.round(fromColumn + ((toColumn - fromColumn) * step) / steps),
          Math.round(fromRow + ((toRow - fromRow) * step) / steps),
        )
    },
    mark: (column, row, glyph) => marks.set(placeOf(column, row).join(' '), glyph),
    lines: () =>
      cells.map((bits, line) =>
        bits
          .map((value, cell) => marks.get(`${line} ${cell}`) ?? (value === 0 ? ' ' : glyphOf(value, glyphs)))
          .join(''),
      ),
  }
}

/** Unicode, Braille Patterns: bit of a dot by row and column. */
const BRAILLE_BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const

const glyphOf = (bits: number, glyphs: ChartOptions['glyphs']): string =>
  glyphs === 'braille' ? String.fromCodePoint(0x2800 + bits) : '*'
