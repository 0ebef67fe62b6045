import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ParityReport } from '../../src/pipelines/parity/parity-report.ts'
import type { PromotionEvidence } from '../../src/pipelines/promotion/evidence.ts'
import type { PromotionGateResult } from '../../src/pipelines/promotion/gates.ts'
import type { NumberedPromotion } from '../../src/pipelines/promotion/promotion.ts'
import { type Finished, SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

/**
 * Two runs of one bank, which differ in features and trees, and what is decided about their models. One after
 * the other.
 */
describe('from runs to production and back', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  const vigia = (...args: string[]): Promise<Finished> => vigiaIn(work, args)
  const models = (...args: string[]): Promise<Finished> =>
    vigia('models', ...args, ...(['promote', 'rollback'].includes(args[0] ?? '') ? ['--by', 'ana'] : []))
  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await models(...args, '--json')).stdout)
  const aliases = async (): Promise<Record<string, number>> => {
    const { versions } = await json<{ versions: { version: number; aliases: string[] }[] }>('list')
    return Object.fromEntries(
      versions.flatMap(({ version, aliases }) => aliases.map((alias) => [alias, version])),
    )
  }

  beforeAll(async () => {
    for (const [folder, ...settings] of [
      ['first'],
      ['second', '--set', 'features.exclude=[device.*]', '--set', 'models.gradient_boosting.trees=10'],
    ] as const) {
      const args = ['run', '--out', at(folder), ...BANK, '--set', 'tracking.enabled=true', ...settings]
      expect((await vigia(...args)).stderr).toBe('')
    }
  }, 240_000)
  afterAll(remove)

  it('lists what the runs have registered', async () => {
    const { stdout } = await models('list')
    expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      [`fraud-detector in ${at('mlruns')}; figures are those on test`],
      [''],
      ['version', 'aliases', 'model', 'ROC-AUC', 'avg. prec.', 'created (UTC)', 'run'],
      ['2', expect.any(String), expect.stringMatching(/^0\.\d/), expect.stringMatching(/^0\.\d/), ...CREATED],
      ['1', expect.any(String), expect.stringMatching(/^0\.\d/), expect.stringMatching(/^0\.\d/), ...CREATED],
      [''],
    ])
    expect(await aliases()).toEqual({})
  })

  it('has nothing to roll back before the first promotion', async () => {
    expect(await models('rollback')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no version was promoted to production yet'),
    })
  })

  it('promotes the first when it passes: parity of every value, on rows of its own run', async () => {
    const { status, stdout } = await models('promote', '1', '--run', at('first'), '--reason', 'the first')
    expect(status).toBe(0)
    expect(stdout).toMatch(/parity +passed +.* 0 of \d+ values differ, in \d+ rows/)
    expect(stdout).toContain('Version 1 of fraud-detector is production now (decision 1, by ana).')
    expect(await aliases()).toEqual({ production: 1 })
  })

  it('keeps the evidence, and tags the version', async () => {
    const shown = await json<{ tags: object; decisions: NumberedPromotion[]; evidence: PromotionEvidence }>(
      'show',
      '@production',
    )
    expect(shown.tags).toMatchObject({
      'vigia.decision': '1',
      'vigia.promoted_by': 'ana',
      'vigia.promoted_at': '2020-09-13T12:26:40.000Z',
      'vigia.promotion_reason': 'the first',
    })
    expect(shown.decisions).toMatchObject([{ number: 1, action: 'promote', from: null, to: 1, by: 'ana' }])
    expect(shown.evidence.gates.map(({ gate, passed }) => [gate, passed])).toEqual([
      ['artifact', true],
      ['minimum', true],
      ['regression', true],
      ['parity', true],
      ['latency', true],
      ['latency', true],
    ])
    expect(shown.evidence).toMatchObject({
      parity: { differing: [], missing: 0, extra: 0 },
      data: { files: 'generated', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      run: { key: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
  })

  it('does not promote what fails a gate, and says which and why', async () => {
    const { status, stdout, stderr } = await models(
      ...['promote', '2', '--run', at('second'), '--set', 'promotion.minimum.roc_auc=1'],
    )
    expect(status).toBe(1)
    expect(stdout).toMatch(/minimum +FAILED +ROC-AUC on test +at least 1/)
    expect(stderr).toMatch(
      /REGISTRY_GATES_FAILED: Version 2 .*: minimum \(ROC-AUC on test: wanted at least 1, got 0\./,
    )
    expect(await aliases()).toEqual({ production: 1 })
  })

  it('does not take rows of another run for those of the version', async () => {
    const { status, stderr } = await models('promote', '2', '--run', at('first'))
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /regression, parity, latency not measured: first does not have the rows: the version/,
    )
  })

  it('compares versions of other features on the same rows, and a step back is a failed gate', async () => {
    const { gates } = await json<{ gates: PromotionGateResult[] }>(
      ...['promote', '2', '--run', at('second'), '--set', 'promotion.minimum.average_precision=1'],
    )
    const compared = gates.filter(({ gate }) => gate === 'regression')
    // The present version is as good on these rows as its own training has found: they are the same
    // transactions.
    const { figures } = await json<{ figures: { name: string; a: number; b: number }[] }>('compare', '1', '2')
    expect(compared.map(({ wanted, got }) => [wanted, got])).toEqual(
      ['test.roc_auc', 'test.average_precision'].map((name) => {
        const { a, b } = figures.find((figure) => figure.name === name)!
        return [`at least ${(a - 0.005).toFixed(4)} (version 1: ${a.toFixed(4)})`, b.toFixed(4)]
      }),
    )
    for (const { passed, got, wanted } of compared)
      expect(passed).toBe(Number(got) >= Number(/[\d.]+/.exec(wanted)?.[0]))
  })

  it('passes over a gate with a reason only, and remembers both', async () => {
    const args = ['promote', '2', '--run', at('second'), '--skip', 'regression', '--skip', 'minimum']
    expect((await models(...args)).stderr).toContain('--skip needs --reason')
    expect((await models(...args, '--skip', 'artifact', '--reason', 'x')).stderr).toContain('got artifact')
    const minimum = ['--set', 'promotion.minimum.roc_auc=1']
    const { decision } = await json<{ decision: NumberedPromotion }>(...args, ...minimum, '--reason', 'trial')
    expect(decision).toMatchObject({ number: 2, from: 1, to: 2, reason: 'trial' })
    expect(decision.skipped).toContain('minimum')
    expect(await aliases()).toEqual({ production: 2, previous: 1 })
  })

  it('shows what differs between two versions', async () => {
    const { stdout } = await models('compare', '@previous', '@production')
    expect(stdout).toMatch(/aliases +previous +production/)
    expect(stdout).toMatch(/models\.gradient_boosting\.trees +20 +10/)
    expect(stdout).toMatch(/test\.roc_auc +0\.\d+ +0\.\d+/)
    expect(stdout).toContain('features.exclude')
  })

  it('rolls back at once, and a rollback as well', async () => {
    expect((await models('rollback', '--reason', 'too many alarms')).stdout).toBe(
      'Version 1 of fraud-detector is production again, version 2 is previous (decision 3, by ana).\n',
    )
    expect(await aliases()).toEqual({ production: 1, previous: 2 })
    expect((await models('rollback')).status).toBe(0)
    expect(await aliases()).toEqual({ production: 2, previous: 1 })
    const { stdout } = await models('show', '2')
    expect(stdout).toMatch(/4 +rollback +production +1 +2 +ana/)
  })

  it('puts an alias right that was moved by other means', async () => {
    const { registry } = await storeFiles()
    writeFileSync(registry('production'), '1')
    const { stderr } = await models('list')
    expect(stderr).toBe(
      'warning: alias production named version 1, and the decisions say version 2: it was put right\n',
    )
    expect(readFileSync(registry('production'), 'utf8')).toBe('2')
  })

  it('takes a parity report of live traffic, if it is about the same features and nothing differs', async () => {
    const { evidence } = await json<{ evidence: PromotionEvidence }>('show', '1')
    const report = evidence.parity as ParityReport
    const attempt = async (changed: Partial<ParityReport>): Promise<string> => {
      writeFileSync(at('parity.json'), JSON.stringify({ ...report, source: 'live', ...changed }))
      const args = ['promote', '1', '--to', 'staging', '--run', at('first'), '--parity', at('parity.json')]
      const { stdout, stderr } = await models(...args)
      return stdout.split('\n').find((line) => line.startsWith('parity')) ?? stderr
    }
    const differing = [{ feature: 'amount', count: 2, largest: 0.5 }]
    expect(await attempt({ differing })).toMatch(/FAILED .* 2 of .* differ: amount \(2\) \(live\)/)
    expect(await attempt({ identity: { ...report.identity, fitted: 'x' } })).toMatch(/about other features/)
    expect(await attempt({ rows: -1 })).toMatch(/REGISTRY_REPORT_UNREADABLE.*\/rows must be >= 0/)
    expect(await attempt({})).toMatch(/passed/)
    expect((await aliases())['staging']).toBe(1)
  })

  it('exports a version that predict scores with', async () => {
    const generated = readdirSync(at('first', 'generate')).find((name) => /parquet|csv/.test(name)) ?? ''
    expect((await models('export', '@previous', '--out', at('exported'))).stdout).toContain('verified')
    expect(readdirSync(at('exported', 'package')).sort()).toEqual([
      ...['checksums.json', 'days.bin', 'manifest.json', 'model-float32.onnx', 'model.json', 'model.onnx'],
      'reference.json',
    ])
    const scores = async (model: string): Promise<string> => {
      const out = at(`${model}.csv`)
      const input = at('first', 'generate', generated)
      const args = ['predict', input, '--model', at(model), '--out', out, '--history', 'none', ...SMALL_BANK]
      expect((await vigia(...args)).status).toBe(0)
      return readFileSync(out, 'utf8')
    }
    expect(await scores('exported')).toBe(await scores('first'))
    expect((await models('export', '1', '--out', at('exported'))).stderr).toContain('DATASET_OUTPUT_EXISTS')
  })

  it('registers an imported model as the next version, which has figures once it is measured', async () => {
    writeFileSync(at('model.json'), STUMP)
    const args = ['model.json', '--run', at('first'), '--out', at('imported'), '--register']
    expect((await models('import', ...args)).stdout).toContain('registered   version 3 of fraud-detector')
    const { gates } = await json<{ gates: PromotionGateResult[] }>(
      ...['promote', 'latest', '--to', 'staging', '--run', at('first')],
      ...['--set', 'promotion.minimum.roc_auc=0.999'],
    )
    const got = gates.filter(({ gate }) => gate === 'minimum' || gate === 'regression').map(({ got }) => got)
    expect(got[0]).toMatch(/^0\.\d{4}$/)
    expect(got[1]).toBe(got[0])
    expect((await models('compare', '1', '3')).stdout).toContain(
      'not recorded for version 3: it was imported',
    )
  })

  it('does not promote a version whose files were altered', async () => {
    const { artifact } = await storeFiles()
    appendFileSync(artifact('vigia/model.json'), ' ')
    const { status, stdout, stderr } = await models('promote', '1', '--run', at('first'))
    expect(status).toBe(1)
    expect(stdout).toMatch(/artifact +FAILED .*SHA-256 is not the one in checksums\.json/)
    expect(stderr).toContain('regression, parity, latency')
    expect((await models('export', '1', '--out', at('altered'))).stderr).toContain('MODEL_ARTIFACT_REFUSED')
    expect(existsSync(at('altered'))).toBe(false)
  })

  it('of decisions by several processes at once, each that is made has seen the one before', async () => {
    const before = (await json<{ decisions: NumberedPromotion[] }>('list')).decisions.length
    const outcomes = await Promise.all(
      Array.from({ length: 3 }, () => vigiaProcess(['models', 'rollback', '--json'])),
    )
    const made = outcomes.filter(({ status }) => status === 0)
    for (const { status, stderr } of outcomes)
      if (status !== 0) expect(stderr).toContain('REGISTRY_DECISION_LOST')
    const { decisions } = await json<{ decisions: NumberedPromotion[] }>('list')
    expect(made.length).toBeGreaterThan(0)
    expect(decisions.length - before).toBe(made.length)
    for (const [index, { from }] of decisions.entries())
      if (index > before) expect(from).toBe(decisions[index - 1]?.to)
    expect((await aliases())['production']).toBe(decisions.at(-1)?.to)
  })

  const vigiaProcess = (args: readonly string[]): Promise<Finished> =>
    new Promise((done) => {
      const child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
        cwd: work,
        env: { ...process.env, NO_COLOR: '1', USER: 'bob' },
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (text) => {
        stdout += String(text)
      })
      child.stderr.on('data', (text) => {
        stderr += String(text)
      })
      child.on('close', (status) => done({ status: status ?? -1, stdout, stderr }))
    })

  /** Places in the store, for what people might do to it. */
  const storeFiles = async () => {
    const { source } = await json<{ source: string }>('show', '1')
    return {
      registry: (alias: string) => at('mlruns', 'models', 'fraud-detector', 'aliases', alias),
      artifact: (path: string) => join(source, path),
    }
  }
})

const BANK = [...SMALL_BANK, '--set', 'models.random_forest.enabled=false']
const CREATED = ['2020-09-13 12:26', expect.stringMatching(/^[0-9a-f]{8}$/)]
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

/** A model of one tree, as XGBoost saves it: amounts from 50 on are suspicious. */
const STUMP = JSON.stringify({
  learner: {
    feature_names: ['amount'],
    learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '1', num_target: '1' },
    objective: { name: 'binary:logistic' },
    gradient_booster: {
      name: 'gbtree',
      model: {
        trees: [
          {
            left_children: [1, -1, -1],
            right_children: [2, -1, -1],
            split_indices: [0, 0, 0],
            split_conditions: [50, -1, 1],
            default_left: [1, 0, 0],
            sum_hessian: [2, 1, 1],
            loss_changes: [3, 0, 0],
          },
        ],
      },
    },
  },
  version: [3, 2, 0],
})
