import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALL_FEATURE_NAMES } from '../all-feature-names.ts'
import { productsOf, SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

const STEPS =
  'generate read validate split clean features select search train choose evaluate package states score'.split(
    ' ',
  )

describe('a training run', () => {
  const { path: work, remove } = temporaryFolder()
  beforeAll(async () => {
    const { status, stderr } = await run('whole')
    expect([status, stderr]).toEqual([0, ''])
  })
  afterAll(remove)

  it('leaves a model, its reports and scores of the test rows', () => {
    for (const file of [
      'package/model.json',
      'package/manifest.json',
      'package/checksums.json',
      'features/features.parquet',
      'select/selection.json',
      'train/logistic_regression.json',
      'train/random_forest.json',
      'train/gradient_boosting.json',
      'choose/choice.json',
      'evaluate/evaluation.json',
      'score/predictions.parquet',
      'reports/evaluation.html',
      'reports/validation.html',
      'read/quarantine.jsonl',
    ])
      expect(existsSync(join(work, 'whole', file)), file).toBe(true)
  })

  it('skips every step the second time', async () => {
    const { outcomes } = await steps('whole')
    expect(outcomes).toEqual(STEPS.map((step) => [step, 'skipped', 'up to date']))
  })

  it('leaves nothing hidden behind', () => {
    expect(readdirSync(join(work, 'whole')).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('runs again only what depends on a setting that changed, and says which', async () => {
    copyOfWhole('changed')
    const { outcomes } = await steps('changed', ['--replace', '--set', 'models.logistic_regression.c=0.5'])
    const [train, ...before] = outcomes.slice(0, STEPS.indexOf('train') + 1).reverse()
    expect(before.map(([, state]) => state)).toEqual(before.map(() => 'skipped'))
    expect(train?.slice(0, 2)).toEqual(['train', 'ran'])
    expect(train?.[2]).toContain('logistic_regression.c')
  })

  it('keeps a finished run from another configuration, of `vigia features` too', async () => {
    const other = ['--set', 'features.include=[amount,user_tx_count_7d]']
    const before = productsOf(join(work, 'whole'))
    const refused = await run('whole', other)
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('PIPELINE_RUN_OTHER')])
    expect(refused.stderr).toContain('setting features.include changed from')
    const place = ['--set', `runs.directory=${work}`, '--set', 'project.name=whole']
    const out = join(work, 'two.parquet')
    const features = await vigiaIn(work, ['features', '--out', out, ...SMALL_BANK, ...place, ...other])
    expect([features.status, features.stderr]).toEqual([0, expect.stringContaining('.features-only')])
    expect(features.stdout).toContain(', 2 features: ')
    rmSync(join(work, 'whole', '.features-only'), { recursive: true })
    expect(productsOf(join(work, 'whole'))).toEqual(before)
  })

  it('makes an output again that was altered, and stops there when it is the same again', async () => {
    copyOfWhole('corrupt')
    const file = join(work, 'corrupt/split/split.json')
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, `${before} `)
    const { outcomes } = await steps('corrupt')
    expect(outcomes.filter(([, state]) => state === 'ran')).toEqual([
      ['split', 'ran', 'output missing or altered: split.json'],
    ])
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('packages what selection dropped with its reason, and a model of the rest', async () => {
    copyOfWhole('selected')
    const { status, stderr } = await run('selected', [
      '--replace',
      '--set',
      'selection.score=mutual_information',
      '--set',
      'selection.keep=20',
    ])
    expect([status, stderr]).toEqual([0, ''])
    const manifest = JSON.parse(readFileSync(join(work, 'selected/package/manifest.json'), 'utf8'))
    expect(manifest.features.names).toHaveLength(20)
    expect(manifest.selection.dropped).toHaveLength(ALL_FEATURE_NAMES.length - 20)
    expect(manifest.selection.dropped[0].reason).toContain('mutual information')
  })

  it('runs a forced step, and from a step on, although nothing changed', async () => {
    copyOfWhole('forced')
    const forced = await steps('forced', ['--force', 'train'])
    expect(forced.outcomes.filter(([, state]) => state === 'ran')).toEqual([['train', 'ran', 'forced']])
    const from = await steps('forced', ['--from', 'evaluate'])
    expect(from.outcomes.filter(([, state]) => state === 'ran').map(([step]) => step)).toEqual(
      STEPS.slice(STEPS.indexOf('evaluate')),
    )
    expect(productsOf(join(work, 'forced'))).toEqual(productsOf(join(work, 'whole')))
  })

  it('only tells in a dry run', async () => {
    const { status, outcomes } = await steps('nowhere', ['--dry-run'])
    expect([status, existsSync(join(work, 'nowhere'))]).toEqual([0, false])
    expect(outcomes.map(([, state]) => state)).toEqual(STEPS.map(() => 'would-run'))
  })

  it('stopped after each step and begun again gives the bytes of an uninterrupted run', async () => {
    for (const step of STEPS.slice(0, -1)) {
      const { status } = await run('stopped', [], new RegExp(`ran +${step} `))
      expect([step, status]).toEqual([step, 130])
    }
    expect((await run('stopped')).status).toBe(0)
    expect(productsOf(join(work, 'stopped'))).toEqual(productsOf(join(work, 'whole')))
  })

  it('gives the same model in another folder and with two workers', async () => {
    expect((await run('elsewhere/deep', ['--set', 'resources.threads=2'])).status).toBe(0)
    for (const file of ['model.json', 'manifest.json', 'checksums.json'])
      expect(readFileSync(join(work, 'elsewhere/deep/package', file), 'utf8')).toBe(
        readFileSync(join(work, 'whole/package', file), 'utf8'),
      )
  })

  it('never learns from the name of the fraud pattern', async () => {
    const model = readFileSync(join(work, 'whole/package/model.json'), 'utf8')
    expect((JSON.parse(model) as { featureNames: string[] }).featureNames.join()).not.toContain('pattern')
    const withPattern = (pattern: string): string[] => [
      '--set',
      `source.path=${join(work, 'whole/generate/transactions.parquet')}`,
      '--set',
      `source.fields.fraud_pattern=${pattern}`,
    ]
    expect((await run('pattern', withPattern("CASE WHEN is_fraud = 1 THEN 'x' END"))).stderr).toBe('')
    expect(readFileSync(join(work, 'pattern/package/model.json'), 'utf8')).toBe(model)
  })

  const run = (folder: string, args: readonly string[] = [], interruptAt?: RegExp) =>
    vigiaIn(work, ['run', '--out', join(work, folder), ...SMALL_BANK, ...args], interruptAt)

  const steps = async (folder: string, args: readonly string[] = []) => {
    const { status, stdout } = await run(folder, ['--json', ...args])
    const { steps } = JSON.parse(stdout) as { steps: { step: string; state: string; reason: string }[] }
    return { status, outcomes: steps.map(({ step, state, reason }) => [step, state, reason] as const) }
  }

  const copyOfWhole = (name: string): void =>
    cpSync(join(work, 'whole'), join(work, name), { recursive: true })
})
