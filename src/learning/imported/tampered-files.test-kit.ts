import fc from 'fast-check'
import { expect } from 'vitest'
import { VigiaError } from '../../errors.ts'
import { whyModelUnsound } from '../../model/artifact-model.ts'
import type { CategoryValue } from './foreign-model.ts'
import { readForeignModel } from './read-foreign-model.ts'

/** Law: whatever bytes of a model file are others, it becomes a sound model or is refused. */
export const expectSoundOrRefused = (file: Uint8Array): void => {
  const change = fc.tuple(
    fc.nat(file.length - 1),
    fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('-019[]{},"= \n'))),
  )
  let sound = 0
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const changed = Uint8Array.from(file)
      for (const [at, byte] of changes) changed[at] = byte
      try {
        expect(whyModelUnsound(convert(changed))).toBeUndefined()
        sound++
      } catch (error) {
        if (!(error instanceof VigiaError)) throw error
      }
    }),
    { numRuns: 500 },
  )
  expect(sound).toBeGreaterThan(10)
}

const convert = (bytes: Uint8Array) => {
  const foreign = readForeignModel(bytes)
  const { featureNames, trees, columns = [] } = foreign
  const known = (values: readonly CategoryValue[]) => values.map((value, code) => ({ value, code }))
  const categories = new Map(
    [...foreign.categories].flatMap(([feature, told]) =>
      'values' in told ? [[feature, known(told.values)] as const] : [],
    ),
  )
  for (const values of columns) categories.set(2, known(values))
  return foreign.convert({ featureNames, trees: trees.scored, categories })
}
