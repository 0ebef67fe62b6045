import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { readSource } from '../src/dataset/read-source.ts'
import { withDatabase } from '../src/disk/database.ts'
import { unwatched, unwatchedWork } from '../src/disk/work.ts'
import { readFeatureSettings } from '../src/features/feature-settings.ts'
import { fitFeaturesOn } from '../src/replay/fit-features.ts'
import { replay } from '../src/replay/replay.ts'

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
  test.each([1, 1200])('after %i transactions goes on as if it had not been', async (cut) => {
    const folder = mkdtempSync(join(root, 'cut-'))
    const history = await prepare(folder, columns, cut)
    const whole = await run(folder, 'whole', history, history.whole)
    const first = await run(folder, 'first', history, history.first)
    const second = await run(folder, 'second', history, history.second, first)
    for (const file of ['user.states', 'merchant.states', 'device.states', 'pending.labels']) {
      expect(readFileSync(join(second, file)).equals(readFileSync(join(whole, file))), file).toBe(true)
    }
    expect(await differingRows(folder, whole, [first, second])).toBe(0)
  })
})

const root = mkdtempSync(join(tmpdir(), 'vigia-continuation-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

type Prepared = Awaited<ReturnType<typeof prepare>>

/** The messy bank, whole and cut in two after `cut` transactions. */
const prepare = async (folder: string, columns: string, cut: number) => {
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
  const features = readFeatureSettings(settings.features, settings.labels)
  const fitted = await withDatabase(databaseIn(folder), async (connection) => {
    await readSource(
      connection,
      settings.source,
      { preparedPath: path('read'), quarantinePath: path('quarantine') },
      { workingDirectory: resolve('.'), work: unwatched() },
    )
    const copy = (select: string, from: string, to: string) =>
      connection.run(
        `COPY (${select.replace('*from*', `FROM read_parquet('${path(from)}')`)}) TO '${path(to)}'`,
      )
    await copy(`${columns} *from* ORDER BY arrival`, 'read', 'whole')
    await copy(`SELECT * *from* WHERE arrival < ${cut} ORDER BY arrival`, 'whole', 'first')
    await copy(
      `SELECT * REPLACE (arrival - ${cut} AS arrival) *from* WHERE arrival >= ${cut} ORDER BY arrival`,
      'whole',
      'second',
    )
    return fitFeaturesOn(connection, path('whole'), 'true', features)
  })
  return { whole: path('whole'), first: path('first'), second: path('second'), settings: features, fitted }
}

/** Replays `prepared` from the states of `before`; returns the folder of what it left. */
const run = async (folder: string, name: string, history: Prepared, prepared: string, before?: string) => {
  const statesOut = join(folder, name)
  mkdirSync(statesOut)
  await replay({
    prepared,
    out: join(statesOut, 'features.parquet'),
    statesOut,
    ...(before === undefined ? {} : { statesIn: before }),
    settings: history.settings,
    fitted: history.fitted,
    workers: 2,
    work: unwatchedWork(databaseIn(folder)),
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
