import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEARNING_AND_FEATURES } from './recipes/learning-and-features.ts'
import { copyProject, type ProjectCopy } from './recipes/project-copy.ts'
import { isMeantBy, type Recipe, readTable } from './recipes/recipe.ts'
import { SERVING_AND_SETTINGS } from './recipes/serving-and-settings.ts'

/*
 * CONTRIBUTING says for everything that can be added which files are written by hand. Here each recipe is
 * followed in a copy of the project for something invented, to the letter: those files and no others. All
 * additions stand side by side, so they must also go together. What is not followed has no machinery yet,
 * or too much of its own to be invented: the table says which.
 */

const RECIPES: readonly Recipe[] = [...LEARNING_AND_FEATURES, ...SERVING_AND_SETTINGS]
const TABLE = readTable(readFileSync(new URL('../../CONTRIBUTING.md', import.meta.url), 'utf8'))

describe('the table of CONTRIBUTING', () => {
  test('says which recipes are followed here', () => {
    const followed = TABLE.filter(({ isFollowed }) => isFollowed).map(({ adds }) => adds)
    expect(followed.sort()).toEqual(RECIPES.map(({ adds }) => adds).sort())
  })

  test.each(RECIPES)('names the files of $adds, and counts them', ({ adds, changes }) => {
    const { files, count } = TABLE.find((row) => row.adds === adds)!
    const changed = [...new Set(changes.map(({ path }) => path))]
    const outOfDate = `CONTRIBUTING's recipe "${adds}" is out of date`
    const unnamed = changed.filter((path) => !files.some((file) => isMeantBy(file, path)))
    const untouched = files.filter((file) => !changed.some((path) => isMeantBy(file, path)))
    expect({ unnamed, untouched }, outOfDate).toEqual({ unnamed: [], untouched: [] })
    expect(count, outOfDate).toBe(changed.length)
  })
})

describe('the project in which every recipe was followed', () => {
  let copy: ProjectCopy
  const proofOf = ({ adds }: Recipe): string => `test/recipes/${adds.replaceAll(' ', '-')}.test.ts`
  beforeAll(() => {
    copy = copyProject()
    for (const recipe of RECIPES) {
      copy.follow(recipe)
      if (recipe.proof !== undefined) copy.write(proofOf(recipe), recipe.proof.trimStart())
    }
  })
  afterAll(() => copy?.remove())

  test('has the types that the compiler asks for', () => {
    expect(copy.types().text).toBe('')
  })

  test('keeps the rules of the layers', () => {
    const { isContent, text } = copy.layers()
    expect(isContent, text).toBe(true)
  })

  test('has its documents written by the generator', () => {
    const { isContent, text } = copy.docs()
    expect(isContent, text).toBe(true)
    for (const { adds, documented } of RECIPES) {
      if (documented !== undefined) expect(copy.read(documented[0]), adds).toContain(documented[1])
    }
  })

  test('keeps the laws, and has what was added where it is used', () => {
    const laws = RECIPES.flatMap(({ laws = [] }) => laws)
    const proofs = RECIPES.filter(({ proof }) => proof !== undefined).map(proofOf)
    const { isContent, text } = copy.tests([...new Set([...laws, ...proofs])])
    expect(isContent, text).toBe(true)
  })

  test('holds the added algorithm to the laws of an algorithm', () => {
    const files = ['test/algorithms.test.ts', 'test/algorithm-settings.test.ts']
    const { isContent, text } = copy.tests(files, '[Rr]ecipe.forest|same order|filed under')
    expect(isContent, text).toBe(true)
    expect(text).not.toMatch(/no tests/i)
  })

  test('misses every file that is forgotten', () => {
    const forgotten = RECIPES.flatMap((recipe) => recipe.forgotten ?? [])
    for (const { path } of forgotten) copy.forget(path)
    const said = {
      compiler: copy.types().text,
      tests: copy.tests(['test/feature-parity.test.ts', 'test/recipes/a-route.test.ts']).text,
    }
    for (const { path, saidBy, words } of forgotten) expect(said[saidBy], path).toMatch(words)
  })
})
