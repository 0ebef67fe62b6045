import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { codeVersionOf } from './code-version.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STEPS = readdirSync(join(ROOT, 'src', 'pipelines', 'training'))
  .filter((name) => name.endsWith('-step.ts'))
  .map((name) => name.slice(0, -'-step.ts'.length))

/** Removed at the end. */
const copies: string[] = []
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
})

// What is published runs from dist/, which is made before the tests.
describe.each([
  ['src', 'ts'],
  ['dist', 'js'],
] as const)('code versions of the training steps in a copy of %s/', (folder, ending) => {
  const copy = copyOf(folder)
  const file = (name: string): string => join(copy, folder, `${name}.${ending}`)
  const versions = async (): Promise<Readonly<Record<string, string>>> => {
    const entries = STEPS.map(async (step) => {
      const module = pathToFileURL(file(`pipelines/training/${step}-step`)).href
      return [step, await codeVersionOf(module, 'test')] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }
  /** Steps whose version is another when `from` is `to` in a module, which is then as it was. */
  const stepsChangedBy = async (name: string, from: string, to: string): Promise<readonly string[]> => {
    const before = await versions()
    const source = readFileSync(file(name), 'utf8')
    expect(source).toContain(from)
    writeFileSync(file(name), source.replace(from, to))
    const after = await versions()
    writeFileSync(file(name), source)
    return STEPS.filter((step) => before[step] !== after[step])
  }

  test('one word of the text of an error changes none', async () => {
    expect(STEPS).toHaveLength(16)
    expect(await stepsChangedBy('error-table', 'TLS cannot be set up', 'TLS cannot be used')).toEqual([])
  })

  test('a new error changes none', async () => {
    const added = "NEW_ERROR: { status: 500, exitCode: 2, message: 'New', fix: 'None.' },\n    INTERNAL: {"
    expect(await stepsChangedBy('error-table', 'INTERNAL: {', added)).toEqual([])
  })

  test('what every error does changes all', async () => {
    expect(await stepsChangedBy('errors', "this.name = 'VigiaError'", "this.name = 'Error'")).toEqual(STEPS)
  })

  test('one token of what the cleaning step imports changes it', async () => {
    const changed = await stepsChangedBy('dataset/cleaning', 'quantile >= 1', 'quantile > 1')
    expect(changed).toContain('clean')
    expect(changed).not.toContain('generate')
  })
})

/** A folder of the project and its package.json, which names the versions of packages. */
function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'vigia-code-version-'))
  copies.push(copy)
  const isCode = (path: string): boolean => !/\.(?:map|d\.ts)$|[\\/]bundle$/.test(path)
  cpSync(join(ROOT, folder), join(copy, folder), { recursive: true, filter: isCode })
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'))
  return copy
}
