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
    expect(JSON.parse(stdout)).toMatchObject({
      library: 'XGBoost 3.2.0',
      trees: 1,
      treesInFile: 1,
      missingValue: null,
      categories: {},
      notes: [],
      features: 2,
      namesFrom: 'file',
      hasStates: true,
    })
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
        settings: { library: 'XGBoost 3.2.0', objective: 'binary:logistic', trees: 1, treesInFile: 1 },
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
    ['is UBJSON cut short', 'model.ubj', '{L\u0000\u0000\u0000\u0000', 'is no valid UBJSON'],
    ['is of another format', 'model.bin', 'binf', "XGBoost's old binary format"],
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

  it('scores texts by what they say, whatever their order in Python: the categories of the file', async () => {
    const { fitted } = JSON.parse(readFileSync(at('run/package/manifest.json'), 'utf8'))
    const texts: string[] = fitted.features.vocabularies.merchant_category.map(
      ({ value }: { value: string }) => value,
    )
    expect(texts.length).toBeGreaterThan(3)
    const asked = [texts[1]!, texts[3]!]
    writeFileSync(at('texts.json'), categoricalText('merchant_category_code', [...texts].sort(), asked))
    const { status, stdout } = await importing('texts.json', 'texts')
    expect(status).toBe(0)
    expect(stdout).toContain('categories   merchant_category_code: their values are those of the file')
    await vigiaIn(work, [
      ...['predict', at('run/generate/transactions.parquet'), '--model', at('texts')],
      ...['--out', at('texts.parquet'), ...SMALL_BANK],
    ])
    const counts = await query(
      `SELECT s.probability > 0.5, merchant_category IN ('${asked.join("','")}'), count(*)::INTEGER > 10
       FROM '${at('texts.parquet')}' s JOIN '${at('run/generate/transactions.parquet')}' i USING (transaction_id)
       WHERE merchant_category IS NOT NULL GROUP BY ALL ORDER BY 1`,
    )
    expect(counts).toEqual([
      [false, false, true],
      [true, true, true],
    ])
  })

  it('asks for categories that a file of before 3.1 does not tell, and takes them from another', async () => {
    writeFileSync(at('untold.json'), categoricalText('merchant_category_code', undefined, ['1', '2']))
    const { stderr } = await importing('untold.json', 'never')
    expect(stderr).toContain('MODEL_CATEGORIES_UNTOLD')
    expect(stderr).toContain('--categories categories.json')
    writeFileSync(at('categories.json'), JSON.stringify({ merchant_category_code: [3, 1, 2] }))
    for (const [given, told] of [
      [at('categories.json'), 'given'],
      ['values', 'values'],
    ] as const) {
      const { stdout } = await importing('untold.json', told, ['--categories', given, '--json'])
      expect(JSON.parse(stdout).categories).toEqual({ merchant_category_code: told })
    }
    writeFileSync(at('list.json'), '[1]')
    expect((await importing('untold.json', 'never', ['--categories', at('list.json')])).stderr).toContain(
      'is no JSON object of lists',
    )
    expect((await importing('untold.json', 'never', ['--categories', at('nowhere')])).stderr).toContain(
      'no such file',
    )
  })

  it('says which trees count and what is missing, and takes the word of whoever imports', async () => {
    const stopped = JSON.parse(modelText(['amount', 'hour'], 2, 3))
    stopped.learner.attributes = { best_iteration: '0', scikit_learn: '{"_estimator_type": "classifier"}' }
    writeFileSync(at('stopped.json'), JSON.stringify(stopped))
    const plain = await importing('stopped.json', 'stopped')
    expect(plain.stdout).toContain('trees        1 of 3 (up to the best round, as XGBClassifier)')
    expect(plain.stdout).toContain('missing      NaN alone')
    const asked = await importing('stopped.json', 'stopped', [
      ...['--force', '--trees', 'all', '--missing', '-1'],
    ])
    expect(asked.stdout).toContain('trees        3 of 3 (all, as asked)')
    expect(asked.stdout).toContain('missing      NaN and -1')
    expect(JSON.parse(readFileSync(at('stopped/package/model.json'), 'utf8'))).toMatchObject({
      missingValue: -1,
      trees: { length: 3 },
    })
    for (const [option, value, told] of [
      ['--trees', '0', '--trees is all, best, or a whole number from 1, got 0'],
      ['--trees', '4', 'it has 3 trees, asked for are 4'],
      ['--missing', 'none', '--missing is a number that a float holds, got none'],
    ] as const)
      expect((await importing('stopped.json', 'never', [option, value])).stderr).toContain(told)
  })

  it('compares scores of the owner with what the model would give here, row by row, before anything is made', async () => {
    const [low, high] = ['0.26894143', '0.7310586']
    writeFileSync(at('rows.csv'), `,hour,amount,score\n0,3,49.5,${low}\n1,,50,${high}\n2,7,,${low}\n`)
    const equal = await importing('model.json', 'checked', ['--check', at('rows.csv')])
    expect([equal.status, equal.stderr]).toEqual([0, ''])
    expect(equal.stdout).toMatch(/checked {6}3 rows score as they did where it was trained, within 2\.1e-8\n/)
    expect(
      JSON.parse(readFileSync(at('checked/package/manifest.json'), 'utf8')).model.settings.checked,
    ).toMatchObject({ rows: 3 })
    await query(`COPY (SELECT * FROM '${at('rows.csv')}') TO '${at('rows.parquet')}'`)
    const parquet = await importing('model.json', 'checked', [
      '--force',
      '--check',
      at('rows.parquet'),
      '--json',
    ])
    expect(JSON.parse(parquet.stdout).checked).toMatchObject({ rows: 3 })
    // The probability of being genuine; and that of two trees of which one counts.
    writeFileSync(at('other.csv'), `hour,amount,genuine\n3,49.5,${high}\n3,51,${low}\n`)
    const other = await importing('model.json', 'never', [
      '--check',
      at('other.csv'),
      '--score-column',
      'genuine',
    ])
    expect([other.status, existsSync(at('never'))]).toEqual([2, false])
    expect(other.stderr).toContain('MODEL_CHECK_DIFFERS')
    expect(other.stderr).toContain('2 of the 2 rows')
    expect(other.stderr).toContain('row 1 has 0.7310586 and would have 0.26894')
    expect(other.stderr).toContain('1 minus what it gives')
    const best = JSON.parse(modelText(['amount', 'hour'], 2, 2))
    best.learner.attributes = { best_iteration: '0', scikit_learn: '{}' }
    writeFileSync(at('best.json'), JSON.stringify(best))
    writeFileSync(at('all.csv'), 'hour,amount,score\n3,51,0.8807971\n')
    const trees = await importing('best.json', 'never', ['--check', at('all.csv')])
    expect(trees.stderr).toContain('They are equal with --trees all (2 trees; compared were 1)')
    const asked = await importing('best.json', 'all', ['--check', at('all.csv'), '--trees', 'all'])
    expect(asked.status).toBe(0)
  })

  it.each([
    ['is not there', undefined, [], 'nowhere.csv'],
    ['lacks columns', 'hours,amount\n3,4\n', [], 'it has no column score, hour; its columns: hours, amount'],
    ['has no row', 'hour,amount,score\n', [], 'it has no row'],
    [
      'has a short line',
      'hour,amount,score\n3,4,0.5\n3,4\n',
      [],
      'more or fewer values than its header has names',
    ],
    ['has a word for a number', 'hour,amount,score\n3,4,0.5\n3,dear,0.5\n', [], 'row 2 has dear'],
    ['has a word for a number first', 'hour,amount,score\n3,dear,0.5\n', [], 'row 1 has dear in amount'],
    ['has margins', 'hour,amount,score\n3,4,-1\n', [], 'row 1 has the score -1; allowed: a probability'],
    ['has a tolerance', '', ['--tolerance', '2'], '--tolerance is a number from 0 to below 1, got 2'],
  ])('refuses a file of scores that %s', async (_, content, args, told) => {
    if (content !== undefined) writeFileSync(at('bad.csv'), content)
    const file = content === undefined ? 'nowhere.csv' : 'bad.csv'
    const { status, stderr } = await importing('model.json', 'never', ['--check', at(file), ...args])
    expect([status, existsSync(at('never'))]).toEqual([2, false])
    expect(stderr).toContain(told)
  })

  it('takes names of features that are called otherwise where it was trained, also in rows and categories', async () => {
    const { fitted } = JSON.parse(readFileSync(at('run/package/manifest.json'), 'utf8'))
    const [first, second] = fitted.features.vocabularies.merchant_category as { value: string }[]
    writeFileSync(at('mcc.json'), categoricalText('mcc', undefined, ['1']))
    writeFileSync(at('mcc-names.json'), '{"mcc": "merchant_category_code"}')
    writeFileSync(at('mcc-categories.json'), JSON.stringify({ mcc: [first!.value, second!.value] }))
    writeFileSync(at('mcc.csv'), `mcc,score\n${first!.value},0.26894143\n${second!.value},0.7310586\n`)
    const options = ['--categories', at('mcc-categories.json'), '--check', at('mcc.csv')]
    const plain = await importing('mcc.json', 'never', options)
    expect(plain.stderr).toContain('MODEL_FEATURES_DIFFER')
    expect(plain.stderr).toContain('--features names.json')
    const named = await importing('mcc.json', 'mcc', ['--features', at('mcc-names.json'), ...options])
    expect([named.status, named.stderr]).toEqual([0, ''])
    expect(named.stdout).toContain('features     1, named as --features says')
    expect(named.stdout).toContain('checked      2 rows')
    writeFileSync(at('mcc-names.json'), '[3]')
    const bad = await importing('mcc.json', 'never', ['--features', at('mcc-names.json')])
    expect(bad.stderr).toContain("is neither a JSON object of the run's names by those of the model")
  })

  it('refuses rows that were filled before training, and sends what is missing where the filled values went', async () => {
    const name = 'user_seconds_since_last'
    const [[share] = []] = await query(
      `SELECT avg(isnan(${name}::DOUBLE)::INTEGER) FROM '${at('run/features/features.parquet')}'`,
    )
    expect(Number(share) * 2000).toBeGreaterThan(10)
    writeFileSync(at('filled.json'), modelText([name]))
    const rows = Array.from({ length: 2000 }, (_, row) => (row % 2 === 0 ? '-1,0.26894143' : '60,0.7310586'))
    writeFileSync(at('filled.csv'), [`${name},score`, ...rows].join('\n'))
    const plain = await importing('filled.json', 'never', ['--check', at('filled.csv')])
    expect([plain.status, existsSync(at('never'))]).toEqual([2, false])
    expect(plain.stderr).toContain('MODEL_CHECK_FILLED')
    expect(plain.stderr).toMatch(
      new RegExp(`none of the 2000 rows of .* lacks ${name} \\(missing in [\\d.]+ %`),
    )
    // A feature that no split asks for changes no score.
    writeFileSync(at('unasked.json'), modelText(['amount', name]))
    const unasked = rows.map((row) => row.replace(/^[^,]+/, (cell) => `${cell},-1`))
    writeFileSync(at('unasked.csv'), [`amount,${name},score`, ...unasked].join('\n'))
    const alone = await importing('unasked.json', 'unasked', ['--check', at('unasked.csv')])
    expect([alone.status, alone.stderr]).toEqual([0, ''])
    const told = await importing('filled.json', 'filled', ['--check', at('filled.csv'), '--filled', '60'])
    expect([told.status, told.stderr]).toEqual([0, ''])
    expect(JSON.parse(readFileSync(at('filled/package/model.json'), 'utf8')).trees[0].missingLeft).toEqual([
      0, 0, 0,
    ])
    for (const [args, why] of [
      [['--filled', '?'], '--filled is a number, got ?; --filled-categories may be a text'],
      [['--filled', '1', '--missing', '1'], '--missing and --filled contradict each other'],
    ] as const)
      expect((await importing('filled.json', 'never', args)).stderr).toContain(why)
  })

  it('gives the probability of the label that is fraud', async () => {
    const { stdout } = await importing('model.json', 'first', ['--positive-class', '0', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ features: 2 })
    const { base, trees } = JSON.parse(readFileSync(at('first/package/model.json'), 'utf8'))
    expect([base, trees[0].value]).toEqual([0, [0, 1, -1]])
    const { stderr } = await importing('model.json', 'never', ['--positive-class', 'fraud'])
    expect(stderr).toContain('MODEL_POSITIVE_CLASS_UNKNOWN')
    expect(stderr).toContain('--positive-class is fraud')
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

/** One split on a feature: the categories `asked` are 1, the others -1. Their order is that of `values`. */
const categoricalText = (
  name: string,
  values: readonly string[] | undefined,
  asked: readonly string[],
): string => {
  const model = JSON.parse(modelText([name]))
  const places = asked.map((text) => values?.indexOf(text) ?? Number(text))
  Object.assign(model.learner.gradient_booster.model.trees[0], {
    split_type: [1, 0, 0],
    categories: places.sort((a, b) => a - b),
    categories_nodes: [0],
    categories_segments: [0],
    categories_sizes: [places.length],
  })
  if (values === undefined) return JSON.stringify({ ...model, version: [3, 0, 5] })
  const offsets = [0, ...values].map((_, place) => values.slice(0, place).join('').length)
  model.learner.gradient_booster.model.cats = {
    enc: [{ offsets, values: [...Buffer.from(values.join(''))] }],
  }
  return JSON.stringify(model)
}

/** Stumps on the first feature: below 50 each is -1, else 1. */
const modelText = (names: readonly string[], count = names.length, trees = 1): string =>
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
          trees: Array(trees).fill({
            left_children: [1, -1, -1],
            right_children: [2, -1, -1],
            split_indices: [0, 0, 0],
            split_conditions: [50, -1, 1],
            default_left: [1, 0, 0],
            sum_hessian: [2, 1, 1],
            loss_changes: [3, 0, 0],
          }),
        },
      },
    },
    version: [3, 2, 0],
  })
