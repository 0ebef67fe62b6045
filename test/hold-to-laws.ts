import { describe, test } from 'vitest'
import type { Law } from '../src/testing/law.ts'

/**
 * The laws as tests of vitest: one for each, skipped with its reason where the law does not bind the subject.
 */
export const holdToLaws = <Subject>(name: string, laws: readonly Law<Subject>[], subject: Subject): void => {
  describe(name, () => {
    for (const law of laws) {
      const reason = law.skipReason(subject)
      if (reason === undefined) test(law.title, () => law.check(subject))
      else test.skip(`${law.title} (skipped: ${reason})`, () => {})
    }
  })
}
