import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { built, madeOnce, ROOT, sql, trainingSettings, workOn } from '../data.mjs'

export const VIGIA = join(ROOT, 'bin', 'vigia.mjs')

/** Transactions of the invented bank: the first are trained on, the later ones served. */
const SIZES = {
  full: { trained: 120_000, served: 80_000, users: 20_000, merchants: 3_000 },
  smoke: { trained: 6_000, served: 4_000, users: 300, merchants: 60 },
}
const DAYS = 120

/**
 * A trained model with every feature, the states that its training ended with, and the transactions of the
 * time after: `run` (run folder), `bodies` (JSON lines, one request each), `trained` and `served` (Parquet).
 */
export const servedWorld = async ({ folder, cores, smoke }) => {
  const { trained, served, users, merchants } = smoke ? SIZES.smoke : SIZES.full
  const place = await madeOnce(folder, `served-${trained}-${served}`, async (path) => {
    mkdirSync(path, { recursive: true })
    const all = join(path, 'all.parquet')
    const { generateDataset } = await built('dataset/generate/generate-dataset.js')
    const { generate } = await trainingSettings()
    await generateDataset({
      settings: { ...generate, users, merchants, rows: trained + served, days: DAYS },
      seed: 42,
      out: all,
      overwrite: true,
      work: workOn({ cores, folder }),
    })
    const fields =
      'transaction_id, user_id, "timestamp", amount::DOUBLE AS amount, currency, merchant_id, merchant_category, transaction_type, device_id, device_type, location, latitude, longitude'
    const numbered = `(SELECT *, row_number() OVER () AS place FROM '${all}')`
    await sql(
      cores,
      'SET threads = 1',
      `COPY (SELECT * EXCLUDE place FROM ${numbered} WHERE place <= ${trained} ORDER BY place) TO '${join(path, 'trained.parquet')}' (FORMAT parquet)`,
      `COPY (SELECT * EXCLUDE place FROM ${numbered} WHERE place > ${trained} ORDER BY place) TO '${join(path, 'served.parquet')}' (FORMAT parquet)`,
      `COPY (SELECT ${fields} FROM ${numbered} WHERE place > ${trained} ORDER BY place) TO '${join(path, 'bodies.ndjson')}' (FORMAT json)`,
    )
    vigia(path, ['run', ...settingsOf(smoke)])
    vigia(path, ['state', 'load', ...SERVED])
  })
  return {
    place,
    run: join(place, 'runs', 'vigia'),
    bodies: join(place, 'bodies.ndjson'),
    trained: join(place, 'trained.parquet'),
    served: join(place, 'served.parquet'),
    states: join(place, '.vigia', 'state'),
    count: served,
  }
}

const settingsOf = (smoke) =>
  [
    'source.path=trained.parquet',
    'runs.directory=runs',
    'tracking.enabled=false',
    'features.include=[]',
    'models.logistic_regression.enabled=false',
    'models.random_forest.enabled=false',
    'models.xgboost.enabled=false',
    `models.gradient_boosting.trees=${smoke ? 20 : 100}`,
  ].flatMap((setting) => ['--set', setting])

const SERVED = ['--set', 'model.source=runs/vigia']

const vigia = (folder, words) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VIGIA, ...words], { cwd: folder })
  if (status !== 0) throw new Error(`vigia ${words[0]} ended with ${status}: ${stdout}${stderr}`)
}
