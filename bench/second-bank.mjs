#!/usr/bin/env node
// What models of examples/second-bank are worth, week after week, beside an oracle that knows the simulator.
// Writes the table of examples/second-bank/README.md.
//
// node bench/second-bank.mjs [--seeds <n>] [--set <section.key=value>…] [--validation]
//   --set         another setting of best.yaml; nothing is written then
//   --validation  the weeks that settings are chosen on, without the oracle; nothing is written
//
// The handbook's protocol, as in test/reference/second-bank-models.py: labels are known after seven days; a
// model is trained on the weeks up to a day, and tested on the week that begins seven days later; cards known
// to be compromised leave the test, day by day. The settings of best.yaml were chosen on the test weeks that
// begin on days 49, 56, 63 and 70. No setting of it was chosen on the five weeks of the table.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { built, ROOT } from './data.mjs'
import { oracleOf } from './second-bank-oracle.mjs'
import { drawnCustomers, meanPrecision, rankOf, tableOf } from './second-bank-table.mjs'

const { loadTrainingConfig } = await built('config/config-manager.js')
const { readSource } = await built('dataset/read-source.js')
const { sqlLiteral, withDatabase } = await built('disk/database.js')
const { unwatched, unwatchedWork } = await built('disk/work.js')
const { readFeatureSettings, splitEntities } = await built('features/feature-settings.js')
const { readFeatureRows } = await built('fitting/feature-rows.js')
const { fitOnThreads } = await built('fitting/fit-on-threads.js')
const { VOCABULARY_FIELDS } = await built('features/fitted-features.js')
const { createModelScorer } = await built('model/scorer.js')
const { algorithmSettings, modelSettings } = await built('pipelines/training/model-settings.js')
const { declaredEntities } = await built('pipelines/training/training-context.js')
const { fitFeaturesOn } = await built('replay/fit-features.js')
const { replay } = await built('replay/replay.js')
const { DEFAULT_AMOUNTS } = await built('transaction/amount-rules.js')

const README = join(ROOT, 'examples/second-bank/README.md')
const WORK = join(ROOT, '.vigia/bench/second-bank')
const DATABASE = { threads: 2, memoryLimit: '2GB', tempDirectory: join(WORK, 'spill') }
const FIRST_DAY_MS = Date.UTC(2018, 3, 1)
const DAY_MS = 86_400_000
/** First days of the tests, two weeks after the last week of training begins. */
const TESTED = [77, 84, 91, 98, 105]
const CHOSEN_ON = [49, 56, 63, 70]
const RESAMPLES = 1000

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    set: { type: 'string', multiple: true, default: [] },
    validation: { type: 'boolean', default: false },
  },
})

/** The models, each with what is set otherwise than its example says. */
const MODELS = [
  { title: 'all features, a week', oracle: 'oracle', example: 'all_features.yaml', assignments: () => [] },
  { title: 'best.yaml', oracle: 'oracle', example: 'best.yaml', assignments: () => options.set },
  {
    // An artefact of the simulator: five times a whole number of cents is a multiple of five of them.
    title: 'best.yaml and five cents',
    oracle: 'oracle with five cents',
    example: 'best.yaml',
    assignments: ({ features }) => [
      ...options.set,
      'features.derived={five_cents: "math.round(amount * 100) % 5 == 0"}',
      `features.include=[${[...features.include, 'five_cents'].join(', ')}]`,
    ],
  },
]

function configOf(example, assignments = []) {
  const path = join(ROOT, 'examples/second-bank', example)
  return loadTrainingConfig({
    file: { name: basename(path), directory: dirname(path), text: readFileSync(path, 'utf8') },
    environment: {},
    assignments,
    workingDirectory: ROOT,
  })
}

/** Transactions in order of arrival, as the example's mapping reads them. */
async function readRows(connection, prepared) {
  const { source } = configOf('best.yaml').settings
  const files = { preparedPath: prepared, quarantinePath: join(WORK, 'quarantine.jsonl') }
  await readSource(connection, source, files, { workingDirectory: ROOT, work: unwatched() })
  await connection.run(
    `CREATE TABLE rows AS SELECT arrival, user_id, merchant_id, amount_minor::INTEGER AS cents,
       floor((event_time_ms - ${FIRST_DAY_MS}) / ${DAY_MS})::INTEGER AS day,
       floor((event_time_ms - ${FIRST_DAY_MS}) / 1000)::INTEGER AS time,
       is_fraud::INTEGER AS fraud, coalesce(fraud_pattern, '0')::INTEGER AS scenario
     FROM read_parquet(${sqlLiteral(prepared)}) ORDER BY arrival`,
  )
}

/** Every row with the features of a configuration; returns their names. */
async function computeFeatures(connection, config, prepared, out) {
  const { features, labels } = config.settings
  const known = {
    categories: VOCABULARY_FIELDS,
    attributes: [],
    ...splitEntities(declaredEntities({ config }).entities),
    withoutUsers: false,
  }
  const settings = readFeatureSettings(features, labels, DEFAULT_AMOUNTS, known)
  const fitted = await fitFeaturesOn(connection, prepared, 'true', settings)
  const work = unwatchedWork(DATABASE)
  const { featureNames } = await replay({ prepared, out, settings, fitted, workers: 2, work })
  return featureNames
}

/** Says of each row whether it trains or tests, when the test begins on `firstDay`. */
async function splitAt(connection, firstDay, trainingDays, out) {
  const lastWeek = firstDay - 14
  const trainedUntil = lastWeek + 6
  await connection.run(
    `COPY (
       SELECT CASE WHEN day BETWEEN ${trainedUntil + 1 - trainingDays} AND ${trainedUntil} THEN 'train'
         WHEN day BETWEEN ${firstDay} AND ${firstDay + 6} AND coalesce(since, day) >= day THEN 'test'
         ELSE 'none' END AS part
       FROM rows LEFT JOIN (
         SELECT user_id, min(CASE WHEN day <= ${trainedUntil} THEN -1 ELSE day + 7 END) AS since
         FROM rows WHERE fraud = 1 AND day >= ${lastWeek} GROUP BY user_id
       ) USING (user_id) ORDER BY arrival
     ) TO ${sqlLiteral(out)}`,
  )
}

/** Scores of the test rows of each week, for each seed. */
async function scoresOf(connection, { example, assignments }, prepared, firstDays) {
  const config = configOf(example, assignments(configOf(example).settings))
  const { models, split } = config.settings
  const { train_from: from, train_to: to } = split.dates
  const trainingDays = (Date.parse(to) - Date.parse(from)) / DAY_MS
  const files = { prepared, features: join(WORK, 'features.parquet'), split: join(WORK, 'split.parquet') }
  const names = await computeFeatures(connection, config, prepared, files.features)
  const weeks = []
  for (const firstDay of firstDays) {
    await splitAt(connection, firstDay, trainingDays, files.split)
    const [train, test] = [
      await readFeatureRows(connection, files, 'train', names),
      await readFeatureRows(connection, files, 'test', names),
    ]
    const bySeed = []
    for (let seed = 1; seed <= Number(options.seeds); seed++) {
      const fitted = await fitOnThreads({
        algorithm: 'gradient_boosting',
        data: train,
        settings: algorithmSettings(modelSettings(models.gradient_boosting)),
        seed,
        threads: 2,
        memoryLimitBytes: 2e9,
        work: unwatched(),
      })
      const scores = new Float64Array(test.table.rowCount)
      createModelScorer(fitted, { method: 'none' }).scoreMany(test.table, scores)
      bySeed.push(scores)
    }
    weeks.push({ bySeed, labels: test.labels, customers: test.userIds })
  }
  return weeks
}

/** The oracle's probabilities of the test rows of each week. */
async function oracleScores(connection, firstDays, knowledge) {
  const columns = await connection.runAndReadAll(
    'SELECT time, user_id::INTEGER, merchant_id::INTEGER, cents, scenario FROM rows ORDER BY arrival',
  )
  const [time, customer, terminal, cents, scenario] = columns.getColumns().map((one) => Int32Array.from(one))
  const places = []
  for (const firstDay of firstDays) {
    const split = join(WORK, 'split.parquet')
    await splitAt(connection, firstDay, 7, split)
    const found = await connection.runAndReadAll(
      `SELECT row_number() OVER () - 1 AS place, part FROM read_parquet(${sqlLiteral(split)}) QUALIFY part = 'test'`,
    )
    places.push(found.getRows().map(([place]) => Number(place)))
  }
  const asked = new Uint8Array(time.length)
  for (const place of places.flat()) asked[place] = 1
  const probabilities = oracleOf({ time, customer, terminal, cents, scenario }, asked, knowledge)
  return places.map((own) => Float64Array.from(own, (place) => probabilities[place]))
}

/** What is to be compared: by title, for each week, the ranks of its rows by each seed. */
async function measure(firstDays, withOracle) {
  const prepared = join(WORK, 'prepared.parquet')
  return withDatabase(DATABASE, async (connection) => {
    await readRows(connection, prepared)
    const judged = []
    let weeks = []
    for (const model of MODELS) {
      weeks = await scoresOf(connection, model, prepared, firstDays)
      const { title, oracle } = model
      judged.push({ title, oracle, ranks: weeks.map(({ bySeed }) => bySeed.map(rankOf)) })
      const figures = judged.at(-1).ranks.map((ranks, week) => meanPrecision(ranks, weeks[week].labels))
      process.stdout.write(`${title}: ${figures.map((one) => one.toFixed(4)).join(' ')}\n`)
    }
    for (const knowsFiveCents of withOracle ? [false, true] : []) {
      const scores = await oracleScores(connection, firstDays, { knowsFiveCents })
      const title = knowsFiveCents ? 'oracle with five cents' : 'oracle'
      judged.push({ title, ranks: scores.map((own) => [rankOf(own)]) })
    }
    return { judged, weeks: weeks.map(({ labels, customers }) => ({ labels, customers })) }
  })
}

mkdirSync(DATABASE.tempDirectory, { recursive: true })
const firstDays = options.validation ? CHOSEN_ON : TESTED
const { judged, weeks } = await measure(firstDays, !options.validation)
const dates = firstDays.map((day) => new Date(FIRST_DAY_MS + day * DAY_MS).toISOString().slice(0, 10))
const table = tableOf({ dates, weeks, judged, samples: drawnCustomers(weeks, RESAMPLES) })
process.stdout.write(`${table}\n`)
if (!options.validation && options.set.length === 0) {
  const text = readFileSync(README, 'utf8')
  const [start, end] = ['<!-- table: written by bench/second-bank.mjs -->\n', '<!-- end of table -->']
  const from = text.indexOf(start) + start.length
  writeFileSync(README, `${text.slice(0, from)}${table}\n${text.slice(text.indexOf(end))}`)
}
rmSync(WORK, { recursive: true, force: true })
