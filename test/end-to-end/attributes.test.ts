import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { GENERATED, TRACKED, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

/**
 * One bank with a column of each kind beside the fields, from the file to production: a model without them,
 * one with them, and what is said where the one meets the data of the other.
 */
describe('attributes from the file to production', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  const vigia = (...args: string[]) => vigiaIn(work, args)

  beforeAll(async () => {
    const { status } = await vigia('generate', '--out', at('plain.parquet'), ...GENERATED)
    expect(status).toBe(0)
    await query(`COPY (SELECT *, ${COLUMNS} FROM '${at('plain.parquet')}') TO '${at('bank.parquet')}'`)
    const plain = at('plain.parquet')
    const late = `(SELECT to_timestamp(quantile_disc(epoch(timestamp::TIMESTAMPTZ), 0.7)) FROM '${plain}')`
    await query(
      `COPY (SELECT shop, since, CASE hash(shop, epoch(since)) % 3 WHEN 0 THEN 'gold' WHEN 1 THEN 'silver' ELSE 'iron' END AS tier
         FROM (SELECT DISTINCT merchant_id AS shop FROM '${plain}'), (VALUES (to_timestamp(0)), (${late})) AS t(since))
       TO '${at('shops.parquet')}'`,
    )
    writeFileSync(at('plain.yaml'), configurationOf({}))
    writeFileSync(at('bank.yaml'), configurationOf(ATTRIBUTES, 'bank.parquet', AGGREGATES))
    writeFileSync(at('other.yaml'), configurationOf({ ...ATTRIBUTES, balance: { kind: 'category' } }))
    for (const name of ['plain', 'bank']) {
      const run = await vigia('run', '--config', at(`${name}.yaml`), '--out', at(name), ...TRACKED)
      expect([run.status, run.stderr]).toEqual([0, ''])
    }
  })
  afterAll(remove)

  it('every kind but text makes its features, and the model has learned from them', () => {
    const manifest = json('bank/package/manifest.json')
    expect(manifest.fitted.features.attributes).toEqual([
      { name: 'balance', kind: 'number', unit: 'currency', means: 'balance before' },
      { name: 'browser', kind: 'category' },
      { name: 'is_vip', kind: 'boolean' },
      { name: 'signed_up', kind: 'time', means: 'sign-up' },
      { name: 'note', kind: 'text' },
      { name: 'tier', kind: 'category' },
    ])
    expect(
      json('bank/features/fitted.json').vocabularies.browser.map(({ value }: { value: string }) => value),
    ).toEqual(expect.arrayContaining(['chrome', 'firefox', 'opera']))
    expect(manifest.metrics.test.averagePrecision).toBeGreaterThan(0.95)
    expect(json('plain/package/manifest.json').metrics.test.averagePrecision).toBeLessThan(0.8)
  })

  it('what a table beside the bank says is that of the time of each transaction', async () => {
    const [wrong] = await query(
      `SELECT count(*)::INTEGER, count(DISTINCT attribute_tier)::INTEGER, count_if(attribute_tier <> (
         SELECT tier FROM '${at('shops.parquet')}' WHERE shop = merchant_id AND epoch_ms(since) <= event_time_ms
         ORDER BY since DESC LIMIT 1))::INTEGER
       FROM '${at('bank/read/prepared.parquet')}'`,
    )
    expect(wrong).toEqual([expect.any(Number), 3, 0])
  })

  it('a file is scored with reasons in the words of the attributes', async () => {
    expect((await predict('bank.yaml', 'scores.csv', '--reasons', '5')).status).toBe(0)
    const reasons = await query(
      `SELECT reasons FROM read_csv('${at('scores.csv')}', all_varchar = true) WHERE flagged = 'true'`,
    )
    expect(reasons.length).toBeGreaterThan(20)
    expect(reasons.join('\n')).toMatch(/balance before is \d+(,\d{3})*\.\d\d/)
  })

  it('the recorded model asks for the features that are made of them', () => {
    const files = readdirSync(at('mlruns'), { recursive: true, encoding: 'utf8' })
    const inputs = files
      .filter((path) => path.endsWith('MLmodel'))
      .map((path) => readFileSync(at('mlruns', path), 'utf8').replaceAll('\\', ''))
    expect(inputs).toHaveLength(2)
    expect(
      inputs.filter((text) => text.includes('"balance"') && text.includes('"type":"double"')),
    ).toHaveLength(1)
    const { names } = json('bank/package/manifest.json').features
    const onnx = readFileSync(at('bank/package/model.onnx'), 'latin1')
    for (const name of ['balance', 'browser_share']) {
      expect(names).toContain(name)
      expect(onnx).toContain(name)
    }
  })

  it('what is aggregated of them has a feature each, travels with the model, and is served as trained', async () => {
    const { featureSettings, features } = json('bank/package/manifest.json')
    expect(featureSettings.features.aggregates).toEqual(AGGREGATES)
    const computed = (await query(`DESCRIBE FROM '${at('bank/features/features.parquet')}'`)).map(
      ([name]) => name,
    )
    const names = ['balance_mean_1d', 'balance_mean_7d', 'browser_use_30d', 'last_balance']
    expect(computed).toEqual(expect.arrayContaining(names))
    expect(features.names).toContain('balance_mean_1d')
    const [wrong] = await query(
      `WITH f AS (
         SELECT merchant_id, event_time_ms AS t, balance_sum_1d, balance FROM '${at('bank/features/features.parquet')}')
       SELECT count(*)::INTEGER, count_if(balance_sum_1d <> (
         SELECT sum(o.balance) FROM f o
         WHERE o.merchant_id = f.merchant_id AND o.t <= f.t AND o.t > f.t - 86400000))::INTEGER
       FROM f`,
    )
    expect(wrong).toEqual([expect.any(Number), 0])
  })

  it('an account with roles has a feature of each side, and one kind of states', async () => {
    expect(readdirSync(at('bank/states'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^account\b/), expect.stringMatching(/^user\b/)]),
    )
    const [wrong] = await query(
      `WITH f AS (
         SELECT user_id, merchant_id, event_time_ms AS t, amount AS paid, account_sender_fan_out_1d AS fan,
           account_receiver_received_amount_1d AS got FROM '${at('bank/features/features.parquet')}')
       SELECT count(*)::INTEGER, count_if(fan <> (
         SELECT count(DISTINCT o.merchant_id) FROM f o
         WHERE o.user_id = f.user_id AND o.t <= f.t AND o.t > f.t - 86400000) OR abs(got - (
         SELECT sum(o.paid) FROM f o
         WHERE o.merchant_id = f.merchant_id AND o.t <= f.t AND o.t > f.t - 86400000)) > 1e-6)::INTEGER
       FROM f`,
    )
    expect(wrong).toEqual([expect.any(Number), 0])
  })

  it('an aggregate of what is no attribute is refused by name, before anything is trained', async () => {
    const aggregates = { high: { of: 'balence', by: 'user', compute: 'maximum' } }
    writeFileSync(at('typo.yaml'), configurationOf(ATTRIBUTES, 'bank.parquet', aggregates))
    const { status, stderr } = await vigia('run', '--config', at('typo.yaml'), '--out', at('typo'))
    expect([status, stderr]).toEqual([2, expect.stringContaining('FEATURES_AGGREGATE_INVALID')])
    expect(stderr).toContain(
      'features.aggregates.high.of must be one of balance, browser, is_vip, signed_up, note, tier',
    )
    writeFileSync(
      at('typo.yaml'),
      configurationOf({}, 'bank.parquet', { high: { ...aggregates.high, by: 'cards' } }),
    )
    const checked = await vigia('config', 'validate', '--config', at('typo.yaml'))
    expect([checked.status, checked.stderr]).toEqual([
      2,
      expect.stringContaining('features.aggregates.high.by'),
    ])
  })

  it('an imported model may read them: it gets what the run has fitted', async () => {
    writeFileSync(at('stump.json'), STUMP)
    const imported = await vigia(
      'models',
      'import',
      'stump.json',
      '--run',
      at('bank'),
      '--out',
      at('imported'),
    )
    expect([imported.status, imported.stderr]).toEqual([0, ''])
    const { status } = await predict('bank.yaml', 'stump.csv', '--model', at('imported'))
    expect(status).toBe(0)
    const wrong = await query(
      `SELECT count(*)::INTEGER FROM read_csv('${at('stump.csv')}') JOIN '${at('bank.parquet')}' USING (transaction_id)
       WHERE (probability > 0.5) <> (balance >= 5000)`,
    )
    expect(wrong).toEqual([[0]])
  })

  it('data without them, or with another kind, is refused by name', async () => {
    const lacking = await predict('plain.yaml', 'never.csv')
    expect([lacking.status, lacking.stderr]).toEqual([
      2,
      expect.stringContaining('DATASET_ATTRIBUTE_MISSING'),
    ])
    expect(lacking.stderr).toContain('browser')
    const other = await predict('other.yaml', 'never.csv')
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('DATASET_ATTRIBUTE_KIND')])
    expect(other.stderr).toContain('takes the attribute balance for number, the data has it as category')
  })

  it('is promoted over a model without them: served as trained, and compared on the same rows', async () => {
    const promote = (version: string, run: string) =>
      vigia(
        'models',
        'promote',
        version,
        '--run',
        at(run),
        '--by',
        'ana',
        '--reason',
        'it is due',
        '--config',
        at(`${run}.yaml`),
        ...TRACKED,
      )
    const first = await promote('1', 'plain')
    expect([first.status, first.stderr]).toEqual([0, ''])
    // Serving looks up what training did, in the table that the run kept: another one, and the gate says so.
    const kept = at('bank/read/table-shop.parquet')
    const bytes = readFileSync(kept)
    await query(
      `COPY (SELECT * REPLACE (CASE attribute_tier WHEN 'gold' THEN 'iron' ELSE attribute_tier END AS attribute_tier) FROM '${kept}' ORDER BY place) TO '${kept}.new'`,
    )
    renameSync(`${kept}.new`, kept)
    const skewed = await promote('2', 'bank')
    expect([skewed.status, skewed.stderr]).toEqual([1, expect.stringContaining('REGISTRY_GATES_FAILED')])
    expect(skewed.stdout).toMatch(/parity +FAILED/)
    writeFileSync(kept, bytes)
    const second = await promote('2', 'bank')
    expect([second.status, second.stderr]).toEqual([0, ''])
    expect(second.stdout).toMatch(/parity +passed +.* 0 of \d+ values differ, in \d+ rows/)
    // The other way round the data of the run has nothing that the model in production reads.
    const back = await promote('1', 'plain')
    expect([back.status, back.stderr]).toEqual([1, expect.stringContaining('REGISTRY_GATES_FAILED')])
    expect(back.stderr).toContain(
      'regression not measured: The model reads the attributes balance, browser, is_vip, signed_up, note, tier',
    )
  })

  it('four hundred of them are found by a pattern, filled, and learned from', async () => {
    const many = Array.from({ length: 400 }, (_, index) =>
      index === 123
        ? `CASE WHEN is_fraud = 1 THEN 1.0 ELSE 0.0 END AS V123`
        : `CASE WHEN hash(transaction_id, ${index}) % 3 > 0 THEN (hash(transaction_id, ${index}) % 1000)::DOUBLE END AS V${index}`,
    )
    await query(
      `COPY (SELECT *, ${many.join(', ')} FROM '${at('plain.parquet')}' WHERE hash(user_id) % 2 = 0) TO '${at('wide.parquet')}'`,
    )
    writeFileSync(
      at('wide.yaml'),
      configurationOf({ 'V*': { kind: 'number', missing: 'median' } }, 'wide.parquet'),
    )
    const run = await vigia('run', '--config', at('wide.yaml'), '--out', at('wide'))
    expect([run.status, run.stderr]).toEqual([0, ''])
    const manifest = json('wide/package/manifest.json')
    expect(manifest.fitted.features.attributes).toHaveLength(400)
    expect(Object.keys(manifest.fitted.cleaning.attributes)).toHaveLength(400)
    expect(manifest.features.names).toContain('V123')
    const [values] = await query(
      `SELECT count(*)::INTEGER, count_if(V7 IS NULL OR isnan(V7))::INTEGER FROM '${at('wide/features/features.parquet')}'`,
    )
    expect(values).toEqual([expect.any(Number), 0])
  })

  const json = (path: string) => JSON.parse(readFileSync(at(path), 'utf8'))

  const predict = (config: string, out: string, ...args: string[]) =>
    vigia(
      'predict',
      at('bank.parquet'),
      '--config',
      at(config),
      '--out',
      at(out),
      ...(args.includes('--model') ? [] : ['--model', at('bank')]),
      ...args,
    )

  const query = (sql: string): Promise<unknown[][]> =>
    withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: at('temporary') }, async (connection) =>
      (await connection.runAndReadAll(sql)).getRows(),
    )
})

/** Knowledge in the balance and the browser; the rest says nothing. */
const COLUMNS = `
  CASE WHEN is_fraud = 1 THEN 5000 + hash(transaction_id) % 1000 ELSE hash(transaction_id) % 5000 END::DOUBLE AS balance,
  CASE hash(transaction_id, 1) % 4 WHEN 0 THEN 'Firefox' WHEN 1 THEN ' Chrome' WHEN 2 THEN 'opera' END AS browser,
  CASE hash(transaction_id, 2) % 3 WHEN 0 THEN 'yes' WHEN 1 THEN 'no' END AS is_vip,
  (DATE '1999-01-01' + (hash(user_id) % 7000)::INTEGER)::VARCHAR AS signed_up,
  'a note' AS note`

const ATTRIBUTES = {
  balance: { kind: 'number', unit: 'currency', means: 'balance before' },
  browser: { kind: 'category', missing: 'mode' },
  is_vip: { kind: 'boolean' },
  signed_up: { kind: 'time', means: 'sign-up' },
  note: { kind: 'text' },
  tier: { table: 'shop', kind: 'category' },
}

const TABLES = { shop: { path: 'shops.parquet', key: { shop: 'merchant_id' }, valid_from: 'since' } }

const AGGREGATES = {
  balance_mean: { of: 'balance', by: 'user', compute: 'mean', windows: ['1d', '7d'] },
  balance_sum: { of: 'balance', by: 'merchant', compute: 'sum', windows: ['1d'] },
  browser_use: { of: 'browser', by: 'user', compute: 'share', windows: ['30d'] },
  last_balance: { of: 'balance', by: 'device', compute: 'last' },
}

const ENTITIES = {
  account: {
    roles: { sender: 'user_id', receiver: 'merchant_id' },
    features: ['flow', 'fan', 'counterparty'],
    windows: ['1d'],
  },
}

/** A model of one tree, as XGBoost saves it: balances from 5,000 on are suspicious. */
const STUMP = JSON.stringify({
  learner: {
    feature_names: ['balance'],
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
            split_conditions: [5000, -1, 1],
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

/** JSON is YAML. Few features and trees, because three banks are trained. */
const configurationOf = (attributes: object, path = 'bank.parquet', aggregates: object = {}): string =>
  JSON.stringify({
    source: { path, attributes, tables: 'tier' in attributes ? TABLES : {} },
    resources: { threads: 1 },
    models: {
      random_forest: { enabled: false },
      gradient_boosting: { trees: 5 },
      xgboost: { enabled: false },
    },
    entities: Object.keys(aggregates).length === 0 ? {} : ENTITIES,
    features: {
      include: ['amount.*', 'user_behaviour.*', 'attributes.*', 'aggregates.*', 'entities.*'],
      aggregates,
    },
    promotion: { parity_rows: 300 },
  })
