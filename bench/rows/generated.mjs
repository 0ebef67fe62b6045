import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { built, madeOnce, trainingSettings, workOn } from '../data.mjs'

/** One bank's customers and merchants: a larger file is more days of the same ones, not more of them. */
const WORLD = { users: 20_000, merchants: 6_000 }
const ROWS_PER_DAY = 8_333

/** Settings of `generate` for a file of `rows` rows at 8,333 a day. */
export const generateSettings = async (rows) => {
  const { generate } = await trainingSettings()
  return { ...generate, ...WORLD, rows, days: Math.max(30, Math.round(rows / ROWS_PER_DAY)) }
}

/** Writes `rows` generated transactions to `out`. */
export const generateInto = async (out, rows, machine) => {
  const { generateDataset } = await built('dataset/generate/generate-dataset.js')
  return generateDataset({
    settings: await generateSettings(rows),
    seed: 42,
    out,
    overwrite: true,
    work: workOn(machine),
  })
}

/** Generated transactions as a prepared dataset. */
export const preparedGenerated = ({ folder, cores, rows }) =>
  madeOnce(folder, `generated-${rows}-prepared.parquet`, async (path) => {
    const raw = join(folder, `generated-${rows}.parquet`)
    await generateInto(raw, rows, { folder, cores })
    const { withDatabase } = await built('disk/database.js')
    const { readSource } = await built('dataset/read-source.js')
    const { source } = await trainingSettings()
    const quarantinePath = join(folder, 'quarantine.jsonl')
    const work = workOn({ folder, cores })
    await withDatabase(work.database, (connection) =>
      readSource(
        connection,
        { ...source, path: raw },
        { preparedPath: path, quarantinePath },
        { workingDirectory: folder, work },
      ),
    )
    await rm(raw)
    await rm(quarantinePath, { force: true })
  })
