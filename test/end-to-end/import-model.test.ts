import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { sha256 } from '../../src/foundation/hash.ts'
import { SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

describe('vigia models import', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  beforeAll(async () => {
    const { status, stderr } = await vigiaIn(work, ['run', '--out', at('run'), ...SMALL_BANK])
    expect([status, stderr]).toEqual([0, ''])
    writeFileSync(at('model.json'), modelText(['amount', 'hour']))
  })
  afterAll(remove)

  it('makes a folder that predict scores with: the stump says what it is', async () => {
    const { status, stdout, stderr } = await importing('model.json', 'imported', ['--json'])
    expect([status, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ trees: 1, features: 2, namesFrom: 'file', hasStates: true })
    const input = at('run/generate/transactions.parquet')
    const scored = await vigiaIn(work, [
      ...['predict', input, '--model', at('imported'), '--out', at('scores.parquet'), '--reasons', '1'],
      ...SMALL_BANK,
    ])
    expect([scored.status, scored.stderr]).toEqual([0, ''])
    const counts = await query(
      `SELECT s.probability, count(*)::INTEGER, min(i.amount)::DOUBLE >= 50, max(i.amount)::DOUBLE < 50
       FROM '${at('scores.parquet')}' s JOIN '${input}' i USING (transaction_id) GROUP BY ALL ORDER BY 1`,
    )
    // Margins of -1 and 1, added to a base of 0.
    expect(counts.map(([probability]) => Number((probability as number).toFixed(6)))).toEqual([
      0.268941, 0.731059,
    ])
    expect(counts.map((row) => row.slice(2))).toEqual([
      [false, true],
      [true, false],
    ])
  })

  it('keeps what features are made from, and nothing that was measured on the model it replaces', () => {
    const of = (folder: string, file = 'manifest.json') =>
      JSON.parse(readFileSync(at(folder, 'package', file), 'utf8'))
    const [before, after] = [of('run'), of('imported')]
    for (const kept of ['featureSettings', 'fitted', 'riskLevels', 'threshold', 'data', 'split'])
      expect(after[kept], kept).toEqual(before[kept])
    expect(after).toMatchObject({
      model: {
        title: 'XGBoost (imported)',
        importedFrom: { file: 'model.json', sha256: sha256(readFileSync(at('model.json'))) },
      },
      features: { names: ['amount', 'hour'] },
      calibration: { method: 'none' },
      thresholdChoice: 'kept from the model of the run, which it was chosen for',
      candidates: [],
      metrics: {},
    })
    const { score, features } = of('imported', 'reference.json')
    expect(Object.keys(features)).toEqual(['amount', 'hour'])
    expect([score.profile.min, score.profile.max].map((end) => Number(end.toFixed(6)))).toEqual([
      0.268941, 0.731059,
    ])
  })

  it('takes the names of the run, and says so, where the file has none', async () => {
    const { features } = JSON.parse(readFileSync(at('run/package/manifest.json'), 'utf8'))
    writeFileSync(at('unnamed.json'), modelText([], features.names.length))
    const { status, stdout } = await importing('unnamed.json', 'unnamed', ['--threshold', '0.4'])
    expect(status).toBe(0)
    expect(stdout).toContain('check that it was trained on them in that order')
    const manifest = JSON.parse(readFileSync(at('unnamed/package/manifest.json'), 'utf8'))
    expect(manifest.features.names).toEqual(features.names)
    expect(manifest).toMatchObject({ threshold: 0.4, thresholdChoice: 'set on import' })
  })

  it('refuses a model whose features are others, and names them', async () => {
    writeFileSync(at('others.json'), modelText(['amount', 'shoe_size', 'star_sign']))
    const { status, stderr } = await importing('others.json', 'never')
    expect([status, existsSync(at('never'))]).toEqual([2, false])
    expect(stderr).toContain('MODEL_FEATURES_DIFFER')
    expect(stderr).toContain('shoe_size, star_sign')
    expect(stderr).not.toContain('amount,')
    writeFileSync(at('three.json'), modelText([], 3))
    expect((await importing('three.json', 'never')).stderr).toContain('MODEL_FEATURE_COUNT_DIFFERS')
  })

  it.each([
    ['is not there', 'nowhere.json', undefined, 'MODEL_IMPORT_UNREADABLE'],
    ['is a folder', 'run', undefined, 'MODEL_IMPORT_UNREADABLE'],
    ['is UBJSON', 'model.ubj', '{L\u0000\u0000\u0000\u0000', 'Save it as JSON'],
    ['is other JSON', 'other.json', '{"trees": []}', 'LEARNING_IMPORT_REFUSED'],
    ['is cut short', 'short.json', '{"learner": {', 'LEARNING_IMPORT_REFUSED'],
  ])('refuses a file that %s, and leaves nothing behind', async (_, name, content, told) => {
    if (content !== undefined) writeFileSync(at(name), content)
    const { status, stderr } = await importing(name, 'never')
    expect([status, existsSync(at('never'))]).toEqual([2, false])
    expect(stderr).toContain(told)
    expect(readdirSync(work).filter((entry) => entry.startsWith('.import-'))).toEqual([])
  })

  it('replaces an imported model only when told to, and nothing else ever', async () => {
    expect((await importing('model.json', 'again')).status).toBe(0)
    expect((await importing('model.json', 'again')).stderr).toContain('DATASET_OUTPUT_EXISTS')
    expect((await importing('model.json', 'again', ['--force', '--threshold', '0.9'])).status).toBe(0)
    expect(JSON.parse(readFileSync(at('again/package/manifest.json'), 'utf8')).threshold).toBe(0.9)
    mkdirSync(at('mine'))
    writeFileSync(at('mine/letter.txt'), 'mine')
    for (const [out, why] of [
      ['mine', 'letter.txt'],
      ['run', 'generate'],
      ['mine/letter.txt', 'is no folder'],
    ] as const) {
      const { status, stderr } = await importing('model.json', out, ['--force'])
      expect([out, status]).toEqual([out, 2])
      expect(stderr).toContain('MODEL_FOLDER_FOREIGN')
      expect(stderr).toContain(why)
    }
    expect(readFileSync(at('mine/letter.txt'), 'utf8')).toBe('mine')
  })

  it('refuses a run that has no rows, or newer features than its package', async () => {
    expect((await importing('model.json', 'never', [], 'imported')).stderr).toContain(
      'it has no features/features.parquet',
    )
    cpSync(at('run'), at('newer'), { recursive: true })
    const fitted = JSON.parse(readFileSync(at('newer/features/fitted.json'), 'utf8'))
    rmSync(at('newer/features/fitted.json'))
    writeFileSync(at('newer/features/fitted.json'), JSON.stringify({ ...fitted, amountBandEdgesMinor: [1] }))
    const { status, stderr } = await importing('model.json', 'never', [], 'newer')
    expect(status).toBe(2)
    expect(stderr).toContain('its package/ is older than its features/')
  })

  it('refuses a threshold that is no probability', async () => {
    const { status, stderr } = await importing('model.json', 'never', ['--threshold', '2'])
    expect(status).toBe(2)
    expect(stderr).toContain('--threshold is a probability from 0 to 1, got 2')
  })

  const importing = (file: string, out: string, args: readonly string[] = [], run = 'run') =>
    vigiaIn(work, ['models', 'import', at(file), '--run', at(run), '--out', at(out), ...args])

  const query = (sql: string): Promise<unknown[][]> =>
    withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: at('temporary') }, async (connection) =>
      (await connection.runAndReadAll(sql)).getRows(),
    )
})

/** One stump on the first feature: below 50 it is -1, else 1. */
const modelText = (names: readonly string[], count = names.length): string =>
  JSON.stringify({
    learner: {
      feature_names: names,
      learner_model_param: {
        base_score: '5E-1',
        num_class: '0',
        num_feature: String(count),
        num_target: '1',
      },
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
