import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

/**
 * Law: a recorded reference is what its script says today. Unit tests compare Vigía with recorded figures of
 * other systems; here those systems run again. Skipped, with the reason on the first line of the run, where
 * the Python peers are missing.
 *
 * @param weeks how many of the five weeks of `second-bank-models.py` are fitted again
 */
export const referencesAreCurrent = ({ weeks }: { readonly weeks: number }): void => {
  const python = process.env['PEER_PYTHON']
  const folder = mkdtempSync(join(tmpdir(), 'vigia-references-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.skipIf(python === undefined)('a recorded reference is what its script says today', () => {
    const scripts = readdirSync('test/reference').filter(
      (name) => name.endsWith('.py') && !OF_VERSIONS.test(name),
    )

    test('there are scripts', () => {
      expect(scripts.length).toBeGreaterThan(0)
    })

    test.each(scripts)('%s', (script) => {
      const again = join(folder, `${script}.json`)
      execFileSync(python ?? '', [join('test/reference', script), again], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, REFERENCE_WEEKS: String(weeks) },
      })
      const recorded = readJson(join('test/golden', script.replace(/\.py$/, '.json')))
      expectClose(
        readJson(again),
        script === 'second-bank-models.py' ? firstWeeksOf(recorded, weeks) : recorded,
        script,
      )
    })
  })
}

/**
 * Scripts that record the files of models of one version of a library, and what they share: each version is
 * installed, and compared, by test/long/model-files.test.ts.
 */
const OF_VERSIONS = /-versions\.py$|^onnx-trees\.py$|^model_files\.py$/

/** What the script records of the first weeks alone. */
const firstWeeksOf = (recorded: unknown, weeks: number): unknown => {
  const all = recorded as { splits: { models: Record<string, unknown> }[] }
  if (weeks === all.splits.length) return all
  if (weeks !== 1) throw new RangeError(`The means of ${weeks} weeks are recorded nowhere.`)
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
