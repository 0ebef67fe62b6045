import { describe, expect, test } from 'vitest'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { readForeignModel } from './read-foreign-model.ts'
import {
  bytesOf,
  convertRecorded,
  furthestFrom,
  type Recorded,
  readRecorded,
} from './recorded-files.test-kit.ts'
import { expectSoundOrRefused } from './tampered-files.test-kit.ts'

/** A library, and what its files in test/golden must hold. */
export interface RecordedLibrary {
  /** As the files are called, and the field in them that says its version. */
  readonly name: string
  readonly title: string
  readonly versions: readonly string[]
  /** More cases than these have scores. */
  readonly least: number
  /** Probabilities are nearer to the library's than this. */
  readonly furthest: number
  /** What each file that is refused is told, by the name of its case. */
  readonly refusals: Readonly<Record<string, RegExp>>
  /** The last step at which a file is refused: when it is read, where absent. */
  readonly refusedBy?: (recorded: Recorded) => unknown
}

export const recordedModel = (recorded: Recorded): TreeEnsembleModel =>
  convertRecorded(recorded, readForeignModel(bytesOf(recorded)))

/** Tests: every version's files score as the library does, or are refused with the reason. */
export const filesOfVersions = ({
  name,
  title,
  versions,
  least,
  furthest,
  refusals,
  refusedBy = (recorded) => readForeignModel(bytesOf(recorded)),
}: RecordedLibrary): void => {
  describe.each(versions)(`files of ${title} %s`, (version) => {
    const { cases, ...told } = readRecorded(`test/golden/${name}-${version}.json.gz`)
    const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

    test('are recorded, and written by that version', () => {
      expect(told[name]).toBe(version)
      expect(scored.length).toBeGreaterThan(least)
    })

    test.each(scored)('score as in Python: $name', (recorded) => {
      expect(furthestFrom(recorded, recordedModel(recorded), recorded.probabilities!)).toBeLessThan(furthest)
    })

    const refused = cases.filter((recorded) => recorded.name.startsWith('refused: '))

    test.each(refused)('are refused with the reason: $name', (recorded) => {
      expect(() => refusedBy(recorded)).toThrow(refusals[recorded.name] ?? 'no reason is known')
    })
  })
}

/** Tests of the law of tampered files, on the cases of these names. */
export const filesTamperedWith = (golden: string, names: readonly string[]): void => {
  describe('a file that was tampered with', () => {
    const { cases } = readRecorded(`test/golden/${golden}.json.gz`)

    test.each(cases.filter(({ name }) => names.includes(name)))(
      'law: becomes a sound model or is refused, and nothing else happens: $name',
      (recorded) => {
        expectSoundOrRefused(bytesOf(recorded))
      },
    )
  })
}
