#!/usr/bin/env node
// How good our best model is beside XGBoost, on invented data in the shapes of the field's public sets, with
// what can be known placed in attributes, in histories and in both. Writes docs/public-data.md.
//
// node bench/public-data.mjs [set…] [--rows <n>] [--frauds <share>] [--seed <n>] [--library <path>]
//   --library  libxgboost.so; .venv has one after: node scripts/integration.mjs --prepare-peers
//
// A case that is in .vigia/bench/public-data.json already, with the same options, is not measured again.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { inventText, loadSet, SETS } from '../examples/public/generate.mjs'
import { built, ROOT, sql } from './data.mjs'
import { tableOf } from './public-data-table.mjs'

const { averagePrecision } = await built('evaluation/average-precision.js')
const { createRandom } = await built('foundation/random.js')
const { fitAlone } = await built('learning/algorithm.js')
const { xgboost } = await built('learning/algorithms/xgboost.js')
const { walkTree } = await built('learning/trees/walk-tree.js')

const RESULTS = join(ROOT, '.vigia/bench/public-data.json')
const DOCUMENT = join(ROOT, 'docs/public-data.md')
const WORK = join(ROOT, '.vigia/bench/public-data')
/** Resamples of the test rows that intervals come from. */
const RESAMPLES = 400
/** XGBoost is tried with these depths; validation chooses, as it chooses among our models. */
const DEPTHS = [4, 6]
/** Columns of a source that say the answer, or a part of it. */
const ANSWERS = [
  'isFraud',
  'is_fraud',
  'fraud',
  'Class',
  'class',
  'Is Fraud?',
  'Is Laundering',
  'is_sar',
  'fraud_bool',
  'alert_id',
]
/** Values of a text column that get a code of their own, commonest first. */
const VOCABULARY = 256

/** The defaults of models.xgboost, but for the depth. */
const XGBOOST = {
  treeMethod: 'hist',
  trees: 100,
  learningRate: 0.1,
  minChildWeight: 1,
  l1: 0,
  l2: 1,
  minGain: 0,
  rowShare: 1,
  columnShare: 1,
  earlyStoppingRounds: 0,
  classWeight: 'none',
  maxBins: 256,
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '12000' },
    frauds: { type: 'string', default: '0.05' },
    seed: { type: 'string', default: '7' },
    library: { type: 'string', default: '' },
  },
})

/** One case: a file is invented, our models learn from it, and XGBoost learns from the same rows. */
async function measure({ name, knowledge, rows, frauds, seed }) {
  const folder = join(WORK, `${name}-${knowledge}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const source = join(folder, (await loadSet(name)).file)
  writeFileSync(source, gzipSync(await inventText(name, { knowledge, rows, fraudShare: frauds, seed })))
  const run = join(folder, 'run')
  await train(name, source, run)
  const parts = await readParts(name, source, run)
  const ours = parts.ours.test
  const tables = {
    raw: parts.raw,
    features: parts.features.filter(({ isAttribute }) => !isAttribute),
    both: [...parts.raw, ...parts.features],
  }
  const scores = Object.fromEntries(
    Object.entries(tables).map(([table, columns]) => [table, bestXgboost(columns, parts)]),
  )
  const random = createRandom(seed)
  const labels = parts.labels.test
  const samples = resamples(labels, random)
  rmSync(folder, { recursive: true, force: true })
  return {
    testRows: labels.length,
    testFrauds: labels.reduce((sum, label) => sum + label, 0),
    ourModel: parts.ours.title,
    ours: figureOf(labels, ours, samples),
    raw: figureOf(labels, scores.raw, samples),
    features: figureOf(labels, scores.features, samples),
    both: figureOf(labels, scores.both, samples),
    lead: leadOf(labels, ours, scores.both, samples),
  }
}

/** `vigia run` by the example's own configuration: our boosting and regression, at their defaults. */
async function train(name, source, run) {
  const settings = [
    `source.path=${source}`,
    // Deep trees: with hundreds of columns they take longer than all the rest together.
    'models.random_forest.enabled=false',
    'models.xgboost.enabled=false',
    'tracking.enabled=false',
    'evaluation.bootstrap_resamples=0',
    // Which feature matters is not asked here, and takes longest where there are hundreds.
    'evaluation.permutation_repeats=0',
  ]
  const words = ['run', '--config', join(ROOT, 'examples/public', name, 'training_config.yaml'), '--out', run]
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin/vigia.mjs'), ...words, ...settings.flatMap((setting) => ['--set', setting])],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(`vigia run failed for ${name}`)
}

/** Columns of training, validation and test: raw ones, features, labels, and what ours say of the test. */
async function readParts(name, source, run) {
  const manifest = JSON.parse(readFileSync(join(run, 'package/manifest.json'), 'utf8'))
  const parquet = (path) => `read_parquet('${join(run, path)}')`
  const quote = name === 'banksim' ? `, quote = ''''` : ''
  const statements = [
    `CREATE TABLE raw AS SELECT row_number() OVER () AS own_row, * FROM read_csv('${source}', all_varchar = true, header = true${quote})`,
    `CREATE TABLE rows AS SELECT p.arrival, s.part, p.source_row, p.event_time_ms, p.is_fraud, p.transaction_id
     FROM ${parquet('read/prepared.parquet')} p JOIN ${parquet('split/split.parquet')} s USING (arrival)
     WHERE s.part IN ('train', 'validation', 'test') AND p.is_fraud IS NOT NULL ORDER BY arrival`,
  ]
  const all = await sql(2, ...statements, 'SELECT part, is_fraud::INTEGER FROM rows ORDER BY arrival')
  const at = (part) => all.flatMap(([own], index) => (own === part ? [index] : []))
  const places = { train: at('train'), validation: at('validation'), test: at('test') }
  const labels = Object.fromEntries(
    Object.entries(places).map(([part, own]) => [part, Uint8Array.from(own, (index) => all[index][1])]),
  )
  const described = await sql(2, `DESCRIBE SELECT * FROM ${parquet('features/features.parquet')}`)
  const attributes = (manifest.fitted.features.attributes ?? []).map((attribute) => attribute.name)
  const isAttribute = (feature) =>
    attributes.some((own) => [own, `${own}_age`, `${own}_code`, `${own}_share`].includes(feature))
  const features = described.filter(([, type]) => type === 'DOUBLE').map(([feature]) => feature)
  const select = (columns, from) =>
    sql(2, ...statements, `SELECT ${columns} FROM ${from} ORDER BY rows.arrival`)
  const values = await select(
    features.map((feature) => `f."${feature}"`).join(', '),
    `rows JOIN ${parquet('features/features.parquet')} f USING (transaction_id)`,
  )
  const rawNames = (await sql(2, ...statements, 'DESCRIBE raw'))
    .map(([column]) => column)
    .filter((column) => column !== 'own_row' && !ANSWERS.includes(column))
  const raw = await select(
    ['rows.event_time_ms::DOUBLE', ...rawNames.map((column) => `raw."${column}"`)].join(', '),
    'rows JOIN raw ON own_row = source_row',
  )
  const probabilities = await sql(
    2,
    `SELECT probability FROM ${parquet('score/predictions.parquet')} WHERE is_fraud IS NOT NULL ORDER BY source_row`,
  )
  const order = await sql(
    2,
    ...statements,
    `SELECT row_number() OVER (ORDER BY source_row) - 1 FROM rows WHERE part = 'test' ORDER BY arrival`,
  )
  return {
    places,
    labels,
    features: features.map((feature, f) => ({
      isAttribute: isAttribute(feature),
      isCategory: feature.endsWith('_code'),
      values: Float64Array.from(values, (row) => row[f] ?? Number.NaN),
    })),
    raw: ['event time', ...rawNames].map((_, c) =>
      rawColumn(
        raw.map((row) => row[c]),
        places.train,
      ),
    ),
    ours: {
      title: manifest.model.title,
      test: Float64Array.from(order, ([place]) => probabilities[Number(place)][0]),
    },
  }
}

/** A column as numbers where nearly all are numbers or times, else as codes of the commonest in training. */
function rawColumn(values, train) {
  const given = values.filter((value) => value !== null && value !== '').length
  const numbers = values.map((value) =>
    value === null || value === '' ? Number.NaN : numberOf(String(value)),
  )
  const readable = numbers.filter((number) => !Number.isNaN(number)).length
  if (readable >= 0.99 * given) return { isCategory: false, values: Float64Array.from(numbers) }
  const counts = new Map()
  for (const index of train) counts.set(values[index], (counts.get(values[index]) ?? 0) + 1)
  const commonest = [...counts]
    .filter(([value]) => value !== null)
    .sort(([, a], [, b]) => b - a)
    .slice(0, VOCABULARY)
  const codes = new Map(commonest.map(([value], code) => [value, code]))
  return {
    isCategory: true,
    values: Float64Array.from(values, (value) => (value === null ? Number.NaN : (codes.get(value) ?? -1))),
  }
}

const numberOf = (text) => (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number(text.replace('$', '')))

/** Probabilities of the test rows by the depth that is best on validation. */
function bestXgboost(columns, { places, labels }) {
  const names = columns.map((_, f) => `f${f}`)
  const tableOf = (part) => ({
    names,
    rowCount: places[part].length,
    columns: columns.map(({ values }) => Float64Array.from(places[part], (index) => values[index])),
    categorical: names.filter((_, f) => columns[f].isCategory),
  })
  const [training, validation, test] = ['train', 'validation', 'test'].map(tableOf)
  let best = { figure: -1, scores: new Float64Array(0) }
  for (const maxDepth of DEPTHS) {
    const model = fitAlone(
      xgboost,
      { table: training, labels: labels.train },
      { ...XGBOOST, library: options.library, maxDepth },
      1,
    )
    const figure = averagePrecision(labels.validation, scoresOf(model, validation))
    if (figure > best.figure) best = { figure, scores: scoresOf(model, test) }
  }
  return best.scores
}

function scoresOf(model, table) {
  return Float64Array.from({ length: table.rowCount }, (_, row) =>
    model.trees.reduce((sum, tree) => sum + walkTree(tree, table.columns, row), model.base),
  )
}

/** Rows drawn with replacement, each sample with at least one fraud. */
function resamples(labels, random) {
  const samples = []
  while (samples.length < RESAMPLES) {
    const sample = Array.from(labels, () => random.integer(labels.length))
    if (sample.some((row) => labels[row] === 1)) samples.push(sample)
  }
  return samples
}

const pick = (values, sample) => values.constructor.from(sample, (row) => values[row])

function figureOf(labels, scores, samples) {
  const drawn = samples.map((sample) => averagePrecision(pick(labels, sample), pick(scores, sample)))
  return { value: averagePrecision(labels, scores), interval: middle(drawn) }
}

/** How far the first lies above the second, on the same samples. */
function leadOf(labels, first, second, samples) {
  const drawn = samples.map((sample) => {
    const own = pick(labels, sample)
    return averagePrecision(own, pick(first, sample)) - averagePrecision(own, pick(second, sample))
  })
  return {
    value: averagePrecision(labels, first) - averagePrecision(labels, second),
    interval: middle(drawn),
  }
}

/** The middle 95 %. */
function middle(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return [sorted[Math.floor(0.025 * sorted.length)], sorted[Math.ceil(0.975 * sorted.length) - 1]]
}

function withTable(text, table) {
  const start = '<!-- table: written by bench/public-data.mjs -->\n'
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf('<!-- end of table -->')]
  return `${text.slice(0, from)}${table}\n${text.slice(to)}`
}

const known = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : []
for (const name of positionals.length > 0 ? positionals : SETS) {
  for (const knowledge of (await loadSet(name)).knowledge) {
    const asked = {
      name,
      knowledge,
      rows: Number(options.rows),
      frauds: Number(options.frauds),
      seed: Number(options.seed),
    }
    const isSame = (row) => row.name === name && row.knowledge === knowledge
    const before = known.findIndex(isSame)
    if (before >= 0 && Object.entries(asked).every(([key, value]) => known[before][key] === value)) continue
    const measured = { ...asked, ...(await measure(asked)) }
    if (before >= 0) known[before] = measured
    else known.push(measured)
    mkdirSync(join(ROOT, '.vigia/bench'), { recursive: true })
    writeFileSync(RESULTS, `${JSON.stringify(known, null, 2)}\n`)
    writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, 'utf8'), tableOf(known)))
    process.stdout.write(`${tableOf([measured]).split('\n')[2]}\n`)
  }
}
