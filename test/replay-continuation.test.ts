import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { readSource } from '../src/dataset/read-source.ts'
import { withDatabase } from '../src/disk/database.ts'
import { unwatched, unwatchedWork } from '../src/disk/work.ts'
import { readFeatureSettings } from '../src/features/feature-settings.ts'
import { fitFeaturesOn } from '../src/replay/fit-features.ts'
import { replay } from '../src/replay/replay.ts'
import { DEFAULT_AMOUNTS } from '../src/transaction/amount-rules.ts'

/**
 * Training ends with states; what comes later goes on from them. So history in two parts must give the bits
 * of history in one: the same vectors, the same states, and the same labels still to come.
 */
describe.each([
  ['in event-time order, labels after a fixed delay', 'SELECT *'],
  [
    'with labels at times of their own',
    'SELECT * REPLACE (event_time_ms + (1 + source_row % 20) * 43200000 AS labelled_at_ms)',
  ],
  [
    'with transactions up to a day and a half late',
    'SELECT * REPLACE (row_number() OVER (ORDER BY event_time_ms + (source_row % 7) * 21600000, source_row) - 1 AS arrival)',
  ],
])('a history that is interrupted %s', (_, columns) => {
  let history: Prepared
  let whole: string
  beforeAll(async () => {
    history = await prepare(mkdtempSync(join(root, 'history-')), columns)
    whole = await run('whole', history, history.whole)
  })

  test.each([1, 1200])('after %i transactions goes on as if it had not been', async (count) => {
    const parts = await cut(history, count)
    const first = await run(`first-${count}`, history, parts.first)
    const second = await run(`second-${count}`, history, parts.second, first)
    for (const file of ['user.states', 'merchant.states', 'device.states', 'pending.labels']) {
      expect(readFileSync(join(second, file)).equals(readFileSync(join(whole, file))), file).toBe(true)
    }
    expect(await differingRows(history.folder, whole, [first, second])).toBe(0)
  })
})

const root = mkdtempSync(join(tmpdir(), 'vigia-continuation-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

type Prepared = Awaited<ReturnType<typeof prepare>>

/** The messy bank with these columns. */
const prepare = async (folder: string, columns: string) => {
  const { settings } = loadTrainingConfig({
    file: {
      name: 'training_config.yaml',
      directory: resolve('examples/messy-bank'),
      text: readFileSync('examples/messy-bank/training_config.yaml', 'utf8'),
    },
    environment: {},
    assignments: [],
    workingDirectory: resolve('.'),
  })
  const path = (name: string): string => join(folder, `${name}.parquet`)
  const features = readFeatureSettings(settings.features, settings.labels, DEFAULT_AMOUNTS)
  const fitted = await withDatabase(databaseIn(folder), async (connection) => {
    await readSource(
      connection,
      settings.source,
      { preparedPath: path('read'), quarantinePath: path('quarantine') },
      { workingDirectory: resolve('.'), work: unwatched() },
    )
    await connection.run(
      `COPY (${columns} FROM read_parquet('${path('read')}') ORDER BY arrival) TO '${path('whole')}'`,
    )
    return fitFeaturesOn(connection, path('whole'), 'true', features)
  })
  return { folder, whole: path('whole'), settings: features, fitted }
}

/** The history in two parts, the first of so many transactions. */
const cut = async ({ folder, whole }: Prepared, count: number) => {
  const parts = {
    first: join(folder, `first-${count}.parquet`),
    second: join(folder, `second-${count}.parquet`),
  }
  const later = `* REPLACE (arrival - ${count} AS arrival)`
  await withDatabase(databaseIn(folder), async (connection) => {
    const copy = (columns: string, where: string, to: string) =>
      connection.run(
        `COPY (SELECT ${columns} FROM read_parquet('${whole}') WHERE ${where} ORDER BY arrival) TO '${to}'`,
      )
    await copy('*', `arrival < ${count}`, parts.first)
    await copy(later, `arrival >= ${count}`, parts.second)
  })
  return parts
}

/** Replays `prepared` from the states of `before`; returns the folder of what it left. */
const run = async (name: string, history: Prepared, prepared: string, before?: string) => {
  const statesOut = join(history.folder, name)
  mkdirSync(statesOut)
  await replay({
    prepared,
    out: join(statesOut, 'features.parquet'),
    statesOut,
    ...(before === undefined ? {} : { statesIn: before }),
    settings: history.settings,
    fitted: history.fitted,
    workers: 2,
    work: unwatchedWork(databaseIn(history.folder)),
  })
  return statesOut
}

const differingRows = (folder: string, whole: string, parts: readonly string[]): Promise<number> =>
  withDatabase(databaseIn(folder), async (connection) => {
    const rows = (from: string) => `SELECT * FROM read_parquet('${from}/features.parquet')`
    const result = await connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM ((${rows(whole)}) EXCEPT ALL (${parts.map(rows).join(' UNION ALL ')}))`,
    )
    return result.getRows()[0]?.[0] as number
  })

const databaseIn = (folder: string) => ({
  threads: 1,
  memoryLimit: '1GB',
  tempDirectory: join(folder, 'tmp'),
})
