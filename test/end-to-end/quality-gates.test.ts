import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { productsOf, SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

describe('a model that does not pass a quality gate', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  afterAll(remove)

  it('ends the run with exit code 1 and the name of the gate; there is a report and no package', async () => {
    const { status, stderr } = await run('run', [...PERFECT])
    expect(status).toBe(1)
    expect(stderr).toContain('PIPELINE_GATES_FAILED')
    expect(stderr).toMatch(/1 quality gate: average precision on test \(allowed: at least 1, got: 0\.\d+\)/)
    expect(stderr).toContain('Nothing was packaged; the report is')
    for (const [name, isThere] of [
      ['reports/evaluation.html', true],
      ['package', false],
      ['states', false],
      ['score', false],
      ['run.json', false],
    ] as const)
      expect([name, existsSync(at('run', name))]).toEqual([name, isThere])
  })

  it('ends it so again when every step up to there is up to date', async () => {
    const { status, stdout } = await run('run', [...PERFECT])
    expect([status, stdout]).toEqual([1, expect.stringMatching(/skipped +evaluate/)])
  })

  it('leaves the package of an earlier run as it was, and says that it is not this model', async () => {
    const first = await run('run', [])
    expect([first.status, first.stderr]).toEqual([0, ''])
    const before = packaged()
    const { status, stderr } = await run('run', [...PERFECT, '--set', 'models.logistic_regression.c=0.01'])
    expect(status).toBe(1)
    expect(stderr).toContain('Nothing was packaged (package/ and states/ still hold an earlier model)')
    expect(packaged()).toEqual(before)
    const settings = JSON.parse(readFileSync(at('run/package/manifest.json'), 'utf8')).model.settings
    expect(settings.c).not.toBe(0.01)
  })

  it('packages the new model once the gate lets it pass', async () => {
    expect((await run('run', ['--set', 'models.logistic_regression.c=0.01'])).status).toBe(0)
    const settings = JSON.parse(readFileSync(at('run/package/manifest.json'), 'utf8')).model.settings
    expect(settings.c).toBe(0.01)
  })

  const packaged = () =>
    Object.entries(productsOf(at('run'))).filter(([name]) => /^(package|states|score)\//.test(name))

  const run = (folder: string, args: readonly string[]) =>
    vigiaIn(work, ['run', '--replace', '--out', at(folder), ...SMALL_BANK, ...ONE_MODEL, ...args])
})

const PERFECT = ['--set', 'evaluation.gates.average_precision=1']
const ONE_MODEL = ['random_forest', 'gradient_boosting'].flatMap((name) => [
  '--set',
  `models.${name}.enabled=false`,
])
