import { describe, expect, it } from 'vitest'
import { createProgressDisplay, progressLine } from './progress.ts'

describe('progress where there is no terminal', () => {
  it('is a line of plain words', () => {
    expect(progressLine({ activity: 'Reading', done: 1500, total: 6000, unit: 'rows' })).toBe(
      'Reading: 1500 of 6000 rows (25 %)',
    )
    expect(progressLine({ activity: 'Reading', done: 1500, unit: 'rows' })).toBe('Reading: 1500 rows')
  })

  it('is written at most every ten seconds, so that it does not fill a log', () => {
    let time = 0
    const lines: string[] = []
    const stderr = { isTerminal: false, columns: 80, write: (text: string) => void lines.push(text) }
    const display = createProgressDisplay(stderr, { monotonicMs: () => time })
    for (const second of [1, 9, 10, 11, 20]) {
      time = second * 1000
      display.report({ activity: 'Reading', done: second, unit: 'rows' })
    }
    expect(lines).toEqual(['Reading: 10 rows\n', 'Reading: 20 rows\n'])
  })
})
