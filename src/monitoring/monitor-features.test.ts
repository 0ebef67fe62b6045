import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { monitorFeatures } from './monitor-features.ts'
import { monitorLog } from './monitor-log.ts'
import type { MonitorReport } from './monitor-report.ts'
import {
  FIRST_DAY,
  type InventedRow,
  inventedDay,
  watchedModel,
  writeDecisions,
} from './monitored-log.test-kit.ts'
import { monitoredModel } from './monitored-model.ts'

const model = watchedModel(60)
const random = createRandom(9)
/** Six days, of which the fifth is another: more visits. */
const rows: readonly InventedRow[] = Array.from({ length: 6 }, (_, n) =>
  inventedDay(FIRST_DAY + n, random, (row) => (n === 4 ? { ...row, visits: row.visits + 2 } : row)),
).flat()
const isFraud = rows.map((_, row) => (row % 5 === 0 ? 1 : 0))
const scores = rows.map(({ visits, amount }) => model.scorer.scoreOne([visits, amount]))

let folder: string
let remove: () => void
beforeAll(() => {
  ;({ folder, remove } = testFolder())
})
afterAll(() => remove())

const database = () => ({ threads: 1, memoryLimit: '256MB', tempDirectory: `${folder}/spill` })

/** A file as `vigia features` writes it; labels are known a day after. */
const write = async (name: string, columns = '*'): Promise<string> => {
  const path = `${folder}/${name}`
  const values = rows.map(
    ({ eventTimeMs, visits, amount }, row) =>
      `('t${row}', ${eventTimeMs}::BIGINT, ${isFraud[row]}::TINYINT, ${eventTimeMs + DAY_MS}::BIGINT, ${visits}::DOUBLE, ${amount}::DOUBLE)`,
  )
  await withDatabase(database(), (connection) =>
    connection.run(
      `COPY (SELECT ${columns} FROM (VALUES ${values.join(', ')})
       AS t(transaction_id, event_time_ms, is_fraud, labelled_at_ms, user_tx_count_60s, amount)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
    ),
  )
  return path
}

const look = async (path: string): Promise<MonitorReport> =>
  monitorFeatures({ model: monitoredModel(model), path, looks: 3, work: unwatchedWork(database()) })

describe('a file of features', () => {
  let report: MonitorReport
  beforeAll(async () => {
    report = await look(await write('features.parquet'))
  })

  test('is looked at as the log of the same rows is', async () => {
    const log = `${folder}/log`
    await writeDecisions(log, model, rows)
    const logged = await monitorLog({
      model: monitoredModel(model),
      folders: [log],
      openLog: openLogReader,
      workFolder: folder,
      work: unwatchedWork(database()),
      looks: 3,
    })
    // What is raised may differ: limits are over all series, and a file has no types, which are segments.
    const seen = ({ looks }: MonitorReport) =>
      looks.map(({ date, features }) => [
        date,
        features.map(({ feature, tests, effect, sinceTraining }) => ({
          feature,
          tests,
          effect,
          sinceTraining,
        })),
      ])
    expect(seen(report)).toEqual(seen(logged))
    expect([report, logged].map(({ looks }) => looks.at(-1)!.isRaised)).toEqual([true, true])
    expect(report.changed[0]!.feature).toBe('user_tx_count_60s')
    expect(report.changed[0]!.examples).toEqual(logged.changed[0]!.examples)
    expect(report.unfinished).toEqual(logged.unfinished)
    expect(report.source).toEqual([`${folder}/features.parquet`])
  })

  test('tells how good its decisions would have been, and that its data are not judged', () => {
    const { days } = report.performance!
    expect(days).toHaveLength(6)
    const known = rows.filter(({ eventTimeMs }) => eventTimeMs + DAY_MS <= (FIRST_DAY + 6) * DAY_MS)
    days.forEach(({ rows: count, flagged, observed }, n) => {
      const places = rows.flatMap(({ eventTimeMs }, row) =>
        Math.floor(eventTimeMs / DAY_MS) === FIRST_DAY + n ? [row] : [],
      )
      const frauds = places.filter((row) => isFraud[row] === 1 && row < known.length)
      expect([count, flagged, observed.frauds]).toEqual([
        places.length,
        places.filter((row) => scores[row]! >= 0.5).length,
        frauds.length,
      ])
    })
    expect(report.quality).toMatchObject({ basis: 'short', days: [], severity: 'none' })
    expect(report.quality.notes.join(' ')).toMatch(/no fields as they came/)
  })

  test('is refused where it is not there, is none, or lacks a feature of the model', async () => {
    await expect(look(`${folder}/nowhere.parquet`)).rejects.toThrow(/there is no such file/)
    await expect(look(await write('less.parquet', '* EXCLUDE (amount)'))).rejects.toThrow(/no column amount/)
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${folder}/text.parquet`, 'transaction_id\n1\n')
    await expect(look(`${folder}/text.parquet`)).rejects.toThrow(/it is no Parquet/)
  })
})
