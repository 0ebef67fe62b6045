import { expect, test } from 'vitest'
import type { Law } from '../../src/testing/law.ts'
import { runLaws } from '../../src/testing/run-laws.ts'

/** A subject that is broken on purpose, and a law that must refuse it. */
export interface Fault<Subject> {
  /** `a store that loses every tenth write` */
  readonly what: string
  readonly subject: Subject
  /** Title of the law. */
  readonly breaks: string
  /** Where the law waits for what never comes, it is given up after so long, in milliseconds (20,000). */
  readonly givenUpAfterMs?: number
}

/**
 * Each fault is refused by its law; a subject without a fault is not, which the tests of the adapters show.
 * Every law of the port is broken by some fault, so that none of them is one that cannot fail.
 */
export const refuseAll = <Subject>(
  laws: readonly Law<Subject>[],
  faults: readonly Fault<Subject>[],
): void => {
  test.each(faults)('$what is refused', async ({ subject, breaks, givenUpAfterMs = 20_000 }) => {
    const named = laws.filter(({ title }) => title === breaks)
    expect(named.map(({ title }) => title)).toEqual([breaks])
    const { broken } = await runLaws(named, subject, { timeoutMs: givenUpAfterMs })
    expect(broken.map(({ title }) => title)).toEqual([breaks])
  })

  test('every law is broken by one of these', () => {
    expect(numbersOf(faults.map(({ breaks }) => breaks))).toEqual(numbersOf(laws.map(({ title }) => title)))
  })
}

/** Numbers of laws, each once, in rising order. */
export const numbersOf = (titles: readonly string[]): readonly number[] =>
  [...new Set(titles.map((title) => Number(/^law (\d+): /.exec(title)?.[1])))].sort((a, b) => a - b)
