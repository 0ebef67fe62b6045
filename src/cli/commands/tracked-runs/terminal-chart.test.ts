import { describe, expect, test } from 'vitest'
import { type ChartOptions, sparkline, terminalChart } from './terminal-chart.ts'

describe('a chart in the terminal', () => {
  test('has the greatest value at the top, the smallest at the bottom and the ends of x below', () => {
    expect(chart([0, 1, 2, 3])).toEqual([
      '3 |                      *****',
      '  |              ********',
      '  |     *********',
      '0 |*****',
      '  +---------------------------',
      '   0          step           3',
    ])
  })

  test('of Braille characters has eight dots in each', () => {
    expect(chart([0, 1], { glyphs: 'braille', rows: 1 })[0]).toBe('0 ┤⣀⣀⣀⣀⡠⠤⠤⠤⠤⠤⠤⠤⠤⠔⠒⠒⠒⠒⠒⠒⠒⠒⠊⠉⠉⠉⠉')
  })

  test('breaks its line at NaN, and marks infinities at the edge they lie beyond', () => {
    const [top, , , bottom] = chart([0, Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(top).toBe('1 |             *      ^')
    expect(bottom).toBe('0 |*                         v')
  })

  test('of one value, or of one value over and over, is a point or a line in the middle', () => {
    expect(chart([0.5])).toEqual([
      '    |',
      '0.5 |            *',
      '    |',
      '    |',
      '    +-------------------------',
      '     0          step',
    ])
    expect(chart([7, 7])[1]).toBe(`7 |${'*'.repeat(27)}`)
  })

  test('of NaN alone has axes and no line; of nothing it is nothing', () => {
    expect(chart([Number.NaN, Number.NaN])).toHaveLength(6)
    expect(chart([Number.NaN, Number.NaN]).join('')).not.toContain('*')
    expect(chart([])).toEqual([])
  })

  test('tells values apart that differ in the seventh digit, and holds the widest range there is', () => {
    expect(chart([0.9123451, 0.9123459])[0]).toMatch(/^0\.9123459 /)
    expect(chart([-Number.MAX_VALUE, Number.MAX_VALUE])[0]).toMatch(/^ 1\.79769e\+308 .*\*$/)
  })

  test('is as wide as it was asked to be, and never less than 30 columns', () => {
    for (const [columns, width] of [
      [80, 80],
      [120, 120],
      [5, 30],
    ] as const)
      expect(Math.max(...chart([0, 5, 1], { columns }).map((line) => line.length))).toBe(width)
  })

  test('takes a history of half a million values', () => {
    expect(chart(Array.from({ length: 500_000 }, (_, index) => index))[0]).toMatch(/^499999 /)
  })
})

describe('a sparkline', () => {
  test('goes from the smallest block to the greatest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe('▁▂▃▄▅▆▇█')
  })

  test('has means of neighbours where there is no room for all', () => {
    expect(sparkline([0, 0, 7, 7], 2)).toBe('▁█')
  })

  test('leaves a space for what is no number, and lies in the middle when constant', () => {
    expect(sparkline([0, Number.NaN, Number.POSITIVE_INFINITY, 1], 20)).toBe('▁  █')
    expect(sparkline([3, 3, 3], 20)).toBe('▄▄▄')
  })

  test('of fewer than two numbers is nothing', () => {
    expect(sparkline([1], 20)).toBe('')
    expect(sparkline([1, Number.NaN], 20)).toBe('')
  })
})

const chart = (values: readonly number[], options: Partial<ChartOptions> = {}): string[] =>
  terminalChart(
    values.map((y, x) => ({ x, y })),
    { columns: 30, rows: 4, glyphs: 'ascii', xLabel: 'step', ...options },
  )
