import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const python = process.env['PEER_PYTHON']
const folder = mkdtempSync(join(tmpdir(), 'vigia-references-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/**
 * Unit tests compare Vigía with recorded figures of other systems. Here those systems run again: what is
 * recorded is what they say. Skipped, with the reason on the first line of the run, where the Python peers
 * are missing.
 */
describe.skipIf(python === undefined)('a recorded reference is what its script says today', () => {
  const scripts = readdirSync('test/reference').filter((name) => name.endsWith('.py'))

  test('there are scripts', () => {
    expect(scripts.length).toBeGreaterThan(0)
  })

  test.each(scripts)('%s', (script) => {
    const again = join(folder, `${script}.json`)
    execFileSync(python ?? '', [join('test/reference', script), again], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // All weeks take minutes.
      env: { ...process.env, REFERENCE_WEEKS: '1' },
    })
    const recorded = readJson(join('test/golden', script.replace(/\.py$/, '.json')))
    expectClose(
      readJson(again),
      script === 'second-bank-models.py' ? firstWeekOf(recorded) : recorded,
      script,
    )
  })
})

/** What the script records of one week alone. */
const firstWeekOf = (recorded: unknown): unknown => {
  const all = recorded as { splits: { models: Record<string, unknown> }[] }
  return { ...all, splits: all.splits.slice(0, 1), mean_over_splits: meansOf(all.splits[0]!.models) }
}

const meansOf = (models: Readonly<Record<string, unknown>>): unknown =>
  Object.fromEntries(
    Object.entries(models).map(([name, figures]) => [
      name,
      Object.fromEntries(
        Object.entries(figures as Record<string, { mean: number }>).map(([figure, { mean }]) => [
          figure,
          mean,
        ]),
      ),
    ]),
  )

/**
 * Equal structure; numbers to a relative 1e-6, which other versions of a linear algebra library may differ
 * by.
 */
const expectClose = (got: unknown, recorded: unknown, where: string): void => {
  if (typeof recorded === 'number' && typeof got === 'number') {
    const difference = Math.abs(got - recorded) / Math.max(1, Math.abs(recorded))
    expect(difference, `${where}: ${got} instead of ${recorded}`).toBeLessThan(1e-6)
  } else if (recorded !== null && typeof recorded === 'object') {
    const keys = (value: unknown) => Object.keys(value as object).filter((key) => key !== 'versions')
    expect(keys(got), where).toEqual(keys(recorded))
    for (const key of keys(recorded)) {
      expectClose(
        (got as Record<string, unknown>)[key],
        (recorded as Record<string, unknown>)[key],
        `${where}.${key}`,
      )
    }
  } else {
    expect(got, where).toBe(recorded)
  }
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
