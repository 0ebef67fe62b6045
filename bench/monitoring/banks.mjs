import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { built, ROOT, sql } from '../data.mjs'

const DAY_MS = 86_400_000

/** First day of all banks, as whole days since 1970-01-01. */
export const FIRST_DAY = Date.UTC(2025, 0, 1) / DAY_MS

const DAYS = 260

/** Days from the first one on. Windows and labels are full when training begins. */
export const CALENDAR = {
  train: [37, 100],
  validation: [107, 125],
  test: [132, DAYS],
  /** The first day that is looked at: a hundred of them, after a hundred days of history. */
  looks: [160, DAYS],
}

/** Days whose rows are kept, for changes and peers: five times three in a row, on all weekdays but two. */
export const KEPT_DAYS = [162, 181, 200, 219, 238].flatMap((day) => [day, day + 1, day + 2])

/** Days of the reference that peers get, as many rows as fit into their memory. */
const PEER_REFERENCE = [60, 160]
const PEER_ROWS = 20_000

const dateOf = (day) => new Date((FIRST_DAY + day) * DAY_MS).toISOString().slice(0, 10)

/**
 * A generated bank without drift of 10,000 transactions a day, a model of its first days, and what each day
 * was like: made once.
 *
 * `days.bin`: the profiles of all days. `rows.parquet`: the rows of the kept days. `peers/`: the reference
 * of the peers and the kept days, one file each, features in one order.
 */
export const madeBank = async (folder, seed, { rows = 2_600_000, say = () => undefined } = {}) => {
  const bank = join(folder, `seed-${seed}-${rows}`)
  if (existsSync(join(bank, 'done.json'))) return bank
  rmSync(bank, { recursive: true, force: true })
  mkdirSync(join(bank, 'peers'), { recursive: true })
  const run = trainOn(bank, seed, rows, say)
  say('profiles of its days')
  await writeDays(run, bank)
  await keepRows(run, bank)
  rmSync(join(bank, 'work'), { recursive: true, force: true })
  writeFileSync(join(bank, 'done.json'), JSON.stringify({ seed, rows }))
  return bank
}

const trainOn = (bank, seed, rows, say) => {
  const work = join(bank, 'work')
  mkdirSync(work)
  const [train, validation, test] = [CALENDAR.train, CALENDAR.validation, CALENDAR.test]
  const settings = [
    `project.seed=${seed}`,
    'models.logistic_regression.enabled=false',
    'models.random_forest.enabled=false',
    'models.xgboost.enabled=false',
    'models.gradient_boosting.trees=60',
    'tracking.enabled=false',
    `split.dates.train_from=${dateOf(train[0])}`,
    `split.dates.train_to=${dateOf(train[1])}`,
    `split.dates.validation_from=${dateOf(validation[0])}`,
    `split.dates.validation_to=${dateOf(validation[1])}`,
    `split.dates.test_from=${dateOf(test[0])}`,
    `split.dates.test_to=${dateOf(test[1])}`,
    `generate.rows=${rows}`,
    `generate.days=${DAYS}`,
    `generate.users=${Math.round(rows / 130)}`,
    `generate.merchants=${Math.round(rows / 1300)}`,
    `generate.start=${dateOf(0)}`,
    'source.path=bank.parquet',
  ].flatMap((setting) => ['--set', setting])
  for (const command of [['generate', '--out', 'bank.parquet'], ['run']]) {
    say(`vigia ${command[0]}, seed ${seed}`)
    execFileSync(process.execPath, [join(ROOT, 'bin/vigia.mjs'), ...command, ...settings], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  return join(work, 'runs', 'vigia')
}

const filesOf = (run) => ({
  features: join(run, 'features/features.parquet'),
  split: join(run, 'split/split.parquet'),
  prepared: join(run, 'read/prepared.parquet'),
})

const writeDays = async (run, bank) => {
  const { withDatabase } = await built('disk/database.js')
  const { daysOfRun } = await built('monitoring/training-days.js')
  const { scorer, reference, threshold } = await modelOf(join(run, 'package'))
  const days = await withDatabase(
    { threads: 2, memoryLimit: '4GB', tempDirectory: join(bank, 'spill') },
    (connection) =>
      daysOfRun(connection, filesOf(run), {
        scorer,
        reference,
        threshold,
        warmUpMs: (CALENDAR.train[0] - 1) * DAY_MS,
        mostDays: DAYS,
        signal: new AbortController().signal,
      }),
  )
  writeFileSync(join(bank, 'days.bin'), days)
  cpSync(join(run, 'package'), join(bank, 'model'), { recursive: true })
}

/** Rows of some days as their features, a file for what changes and files for peers. */
const keepRows = async (run, bank) => {
  const { features, prepared } = filesOf(run)
  const { scorer } = await modelOf(join(bank, 'model'))
  const columns = scorer.featureNames.map((name) => `f."${name}"::DOUBLE AS "${name}"`).join(', ')
  const day = `floor(f.event_time_ms / ${DAY_MS})::INTEGER - ${FIRST_DAY}`
  const rowsWhere = (where, more = '') =>
    `SELECT ${day} AS day, p.transaction_type AS type, ${columns} FROM read_parquet('${features}') f
     POSITIONAL JOIN (SELECT transaction_type FROM read_parquet('${prepared}')) p WHERE ${where} ${more}`
  await sql(
    2,
    `COPY (${rowsWhere(`${day} IN (${KEPT_DAYS.join(', ')})`)}) TO '${join(bank, 'rows.parquet')}' (FORMAT parquet)`,
    `COPY (SELECT * FROM (${rowsWhere(`${day} >= ${PEER_REFERENCE[0]} AND ${day} < ${PEER_REFERENCE[1]}`)})
      USING SAMPLE reservoir(${PEER_ROWS} ROWS) REPEATABLE (1)) TO '${join(bank, 'peers/reference.parquet')}' (FORMAT parquet)`,
  )
}

/** The model of a folder, as the monitoring sees it. */
const modelOf = async (folder) => {
  const { readArtifact } = await built('artifacts/artifact-folder.js')
  const { createScorer } = await built('model/scorer.js')
  const artifact = await readArtifact(folder)
  const scorer = createScorer(artifact)
  return { scorer, reference: artifact.reference, threshold: scorer.threshold }
}

/** All days of a bank in the bins of its model. */
export const daysOf = async (bank) => {
  const { decodeDays } = await built('drift/days-encoding.js')
  const { profileLayoutOf, scoreLayoutOf } = await built('drift/profile-layout.js')
  const { scorer, reference, threshold } = await modelOf(join(bank, 'model'))
  const layout = profileLayoutOf(reference, { features: scorer.featureNames, threshold })
  const days = decodeDays(readFileSync(join(bank, 'days.bin')), layout, scoreLayoutOf(reference, threshold))
  return {
    layout,
    reference,
    scorer,
    importance: reference.importance,
    days: days.map((of) => ({ ...of, at: of.day - FIRST_DAY })),
  }
}
