import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../decisions/log/log-record.ts'
import { parseRanges, rangesText } from '../decisions/log/number-ranges.ts'
import type { VigiaError } from '../errors.ts'
import { mergeEntries } from './merge-entries.ts'
import { assertAccepted, NumberCheck } from './restore-history.ts'

describe('numbers of logs', () => {
  test('without a gap have no problems', () => {
    expect(problemsOf([1, 2, 3], 3)).toEqual({ missing: '', doubled: '' })
  })

  test('that are missing: at the beginning, between, and after the last one up to the highest known', () => {
    expect(problemsOf([3, 4, 7], 9)).toEqual({ missing: '1-2,5-6,8-9', doubled: '' })
  })

  test('that name two decisions, or three', () => {
    expect(problemsOf([1, 2, 2, 3, 3, 3, 5, 5], 5)).toEqual({ missing: '4', doubled: '2-3,5' })
  })

  test('are accepted when all of them are named, by one range or by several that touch', () => {
    const problems = { missing: [{ first: 4, last: 9 }], doubled: [{ first: 12, last: 12 }] }
    for (const accepted of ['4-9,12', '1-20', '7-12,4-6', '4,5,6,7,8,9,12'])
      expect(() => assertAccepted(problems, parseRanges(accepted), ['a'])).not.toThrow()
    for (const accepted of ['', '4-9', '4-8,12', '5-9,12', '4-6,8-12'])
      expect(() => assertAccepted(problems, parseRanges(accepted), ['a'])).toThrow(
        'numbers that no log has: 4-9; numbers that name two decisions: 12',
      )
  })

  test('are written so that they can be accepted as they stand', () => {
    try {
      assertAccepted({ missing: [{ first: 9, last: 9 }], doubled: [{ first: 2, last: 3 }] }, [], ['a'])
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'SERVING_RESTORE_GAPS',
        fix: expect.stringContaining('--accept 2-3,9:'),
      })
    }
  })

  test('that are many are named in part: a forgotten log has millions of them', () => {
    const missing = Array.from({ length: 10_000 }, (_, i) => ({ first: 2 * i + 1, last: 2 * i + 1 }))
    try {
      assertAccepted({ missing, doubled: [] }, [], ['a'])
      expect.unreachable()
    } catch (error) {
      const { message, fix } = error as VigiaError
      expect(message).toContain('numbers that no log has: 1,3,5,7,9,11,13,15,17,19 and 9990 more;')
      expect(fix).toContain('--accept numbers:')
    }
  })

  test('that are no numbers are refused', () => {
    for (const text of ['0', '5-4', 'a', '1-', '1.5', '-3'])
      expect(() => parseRanges(text)).toThrow(`--accept has "${text}"`)
  })

  test('read as ranges are what they were written from', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 1e9 }), fc.nat(1000))
      .map(([first, length]) => ({ first, last: first + length }))
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        expect(parseRanges(rangesText(ranges))).toEqual(ranges)
      }),
    )
  })
})

describe('records of logs and those that wait in a store', () => {
  test('come in the order of their numbers, once, and say whether a log has them', async () => {
    const logged = [record(1, 'a'), record(3, 'c'), record(5, 'e')]
    const waiting = [record(6, 'f'), record(3, 'c'), record(2, 'b'), record(5, 'other')]
    expect(await merged(logged, waiting)).toEqual(['1a', '2b waits', '3c', '5e', '5other waits', '6f waits'])
  })

  test('where the store has all, or none', async () => {
    expect(await merged([], [record(2, 'b'), record(1, 'a')])).toEqual(['1a waits', '2b waits'])
    expect(await merged([record(1, 'a')], [])).toEqual(['1a'])
  })
})

const problemsOf = (numbers: readonly number[], known: number) => {
  const check = new NumberCheck()
  for (const number of numbers) check.take(number)
  const { missing, doubled } = check.finish(known)
  return { missing: rangesText(missing), doubled: rangesText(doubled) }
}

const record = (sequence: number, transactionId: string): LogEntry => ({
  kind: 'label',
  sequence,
  label: { transactionId, isFraud: false, eventTimeMs: 0, receivedAtMs: 0, isApplied: true },
})

const merged = async (logged: readonly LogEntry[], waiting: readonly LogEntry[]): Promise<string[]> => {
  async function* read() {
    yield* logged
  }
  const texts: string[] = []
  for await (const { entry, isLogged } of mergeEntries(read(), waiting))
    texts.push(
      `${entry.sequence}${entry.kind === 'label' ? entry.label.transactionId : ''}${isLogged ? '' : ' waits'}`,
    )
  return texts
}
