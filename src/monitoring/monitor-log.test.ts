import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { unwatchedWork } from '../disk/work.ts'
import { createRandom } from '../foundation/random.ts'
import { daysOfLog } from './days-of-log.ts'
import { monitorLog } from './monitor-log.ts'
import { type MonitorReport, monitorJson } from './monitor-report.ts'
import {
  FIRST_DAY,
  type InventedRow,
  inventedDay,
  ROWS,
  watchedModel,
  writeDecisions,
} from './monitored-log.test-kit.ts'
import { monitoredModel } from './monitored-model.ts'

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const optionsFor = (model: LoadedModel) => ({
  model: monitoredModel(model),
  folders: [folder],
  openLog: openLogReader,
  workFolder: folder,
  work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: folder }),
})

/** Days from `FIRST_DAY` on, the last of which goes on. */
const servedDays = (
  count: number,
  change: (row: InventedRow, day: number) => InventedRow = (row) => row,
): readonly InventedRow[] => {
  const random = createRandom(9)
  return Array.from({ length: count }, (_, n) =>
    inventedDay(FIRST_DAY + n, random, (row) => change(row, n)),
  ).flat()
}

const monitor = async (
  model: LoadedModel,
  rows: readonly InventedRow[],
  looks: number,
): Promise<MonitorReport> => {
  await writeDecisions(folder, model, rows)
  return monitorLog({ ...optionsFor(model), looks })
}

describe('a log with a day that is different', () => {
  test('is found on that day, with the feature, its direction, its rows and what to do', async () => {
    const report = await monitor(
      watchedModel(60),
      servedDays(6, (row, day) => (day === 4 ? { ...row, visits: row.visits + 2 } : row)),
      2,
    )
    expect(report.looks.map(({ date, isRaised }) => [date, isRaised])).toEqual([
      ['2022-01-11', false],
      ['2022-01-12', true],
    ])
    expect(report.unfinished).toEqual({ date: '2022-01-13', rows: ROWS })
    expect(report.severity).not.toBe('none')
    expect(report.changed[0]).toMatchObject({ feature: 'user_tx_count_60s', importance: 0.25 })
    expect(report.changedCount).toBe(report.changed.length)
    const { examples, overTime } = report.changed[0]!
    expect(examples).toHaveLength(3)
    for (const { transactionId } of examples)
      expect(Math.floor(Number(transactionId.slice(1)) / ROWS)).toBe(4)
    expect(overTime.at(-1)).toMatchObject({ day: FIRST_DAY + 4, kind: 'numeric', median: 5 })
    expect(overTime.at(-2)).toMatchObject({ median: 3 })
    expect(report.advice.join(' ')).toMatch(/user_tx_count_60s/)
    expect(report.days.map(({ part }) => part)).toEqual([
      ...Array.from({ length: 60 }, () => 'training'),
      ...['history', 'history', 'history', 'looked at', 'looked at'],
    ])
  })

  test('is read again from its first record on, for the rows that show the change', async () => {
    const model = watchedModel(60)
    await writeDecisions(
      folder,
      model,
      servedDays(6, (row, day) => (day === 4 ? { ...row, visits: row.visits + 2 } : row)),
    )
    const reads: number[] = []
    const openLog = (of: string) => {
      const log = openLogReader(of)
      return {
        ...log,
        read: (after: number) => {
          reads.push(after)
          return log.read(after)
        },
      }
    }
    const report = await monitorLog({ ...optionsFor(model), openLog, looks: 1 })
    expect(report.changed[0]!.examples).toHaveLength(3)
    expect(reads).toEqual([0, 4 * ROWS])
  })

  test('is not found where nothing is different', async () => {
    const report = await monitor(watchedModel(60), servedDays(6), 2)
    expect(report).toMatchObject({ severity: 'none', changed: [], changedCount: 0 })
    expect(report.looks.map(({ isRaised, basis }) => [isRaised, basis])).toEqual([
      [false, 'chart'],
      [false, 'chart'],
    ])
    expect(report.advice).toEqual(['Nothing to do: no feature, score or segment is beyond its limit.'])
  })

  test('has limits only where there are 28 days of history', async () => {
    const changed = servedDays(6, (row, day) => (day === 4 ? { ...row, visits: row.visits + 2 } : row))
    const report = await monitor(watchedModel(23), changed, 1)
    expect(report.looks[0]).toMatchObject({ basis: 'effects only', isRaised: false, severity: 'none' })
    expect(report.looks[0]!.features[0]!.effect.shift).toBeGreaterThan(1)
    expect(report.advice[0]).toMatch(
      /^Before the day looked at are 27 days .* too few for limits, which need 28\./,
    )
    expect(JSON.parse(monitorJson(report))).toMatchObject({ looks: [{ limit: null, statistic: null }] })
  })
})

describe('the days of a log', () => {
  test('have every decision once, by the day of its event, in its segment, whoever decided', async () => {
    const model = watchedModel(0)
    const rows = servedDays(3)
    await writeDecisions(folder, model, rows)
    const {
      days,
      unfinished,
      rows: all,
      tooOld,
      unreadable,
      firstRecords,
    } = await daysOfLog(optionsFor(model))
    expect([all, tooOld, unreadable]).toEqual([3 * ROWS, 0, 0])
    expect([...days, unfinished!].map(({ day, profile }) => [day - FIRST_DAY, profile.rows])).toEqual([
      [0, ROWS],
      [1, ROWS],
      [2, ROWS],
    ])
    expect([...days[0]!.segments!].map(([name, { rows: of }]) => [name, of]).sort()).toEqual([
      ['purchase', (2 * ROWS) / 3],
      ['withdrawal', ROWS / 3],
    ])
    expect([...firstRecords.values()]).toEqual([1, ROWS + 1, 2 * ROWS + 1])
    const alerts = rows
      .slice(0, ROWS)
      .filter(({ visits, amount }) => model.scorer.scoreOne([visits, amount]) >= 0.5)
    expect(days[0]!.profile.alerts).toBe(alerts.length)
    expect(alerts.length).toBeGreaterThan(0)
    // Another model decided, whose probabilities are others: the same rows give the same days.
    const other = { ...model, key: 'f'.repeat(16) }
    remove()
    ;({ folder, remove } = testFolder())
    await writeDecisions(folder, other, rows, (entry) => ({ ...entry, probability: 0.999 }))
    const again = await daysOfLog(optionsFor(model))
    expect([...again.days[0]!.profile.counts]).toEqual([...days[0]!.profile.counts])
    expect(again.days[0]!.profile.alerts).toBe(alerts.length)
  })

  test('have different decisions of one number all, and a record that two logs have once', async () => {
    const model = watchedModel(0)
    const rows = servedDays(1)
    await writeDecisions(`${folder}/a`, model, rows)
    // The first half stands in both logs; the others are of a server with states, and numbers, of its own.
    await writeDecisions(`${folder}/b`, model, rows, (entry, row) =>
      row < ROWS / 2
        ? entry
        : { ...entry, transaction: { ...entry.transaction, transactionId: `other ${row}` } },
    )
    const { unfinished } = await daysOfLog({
      ...optionsFor(model),
      folders: [`${folder}/a`, `${folder}/b`],
    })
    expect(unfinished!.profile.rows).toBe((3 * ROWS) / 2)
  })

  test('leave out what is too old, and do not begin with one transaction that is stamped ahead', async () => {
    const model = watchedModel(0)
    const rows = servedDays(3)
    await writeDecisions(folder, model, rows, (entry, row) => {
      if (row === 10) return { ...entry, timing: 'too_old' }
      return row === 20 ? { ...entry, transaction: { ...entry.transaction, eventTimeMs: 1.7e12 } } : entry
    })
    const { days, unfinished, tooOld } = await daysOfLog(optionsFor(model))
    expect([days.map(({ profile }) => profile.rows), unfinished!.day - FIRST_DAY, tooOld]).toEqual([
      [ROWS - 2, ROWS],
      2,
      1,
    ])
  })

  test('end by a clock too: yesterday is over at midnight, and no day before it', async () => {
    const model = watchedModel(0)
    const rows = servedDays(3)
    // Since midnight one has paid.
    await writeDecisions(folder, model, rows.slice(0, 2 * ROWS + 1))
    const lastAt = async (nowMs?: number) => {
      const options = { ...optionsFor(model), ...(nowMs !== undefined && { nowMs }) }
      const { days, unfinished } = await daysOfLog(options)
      return [days.map(({ day }) => day - FIRST_DAY), unfinished && unfinished.day - FIRST_DAY]
    }
    const midnightMs = (FIRST_DAY + 2) * 86_400_000
    expect(await lastAt()).toEqual([[0], 1])
    expect(await lastAt(midnightMs - 1)).toEqual([[0], 1])
    expect(await lastAt(midnightMs)).toEqual([[0, 1], 2])
    expect(await lastAt(midnightMs + 86_400_000)).toEqual([[0], 1])
  })

  test('that are not over, or that no decision can be used of, are told', async () => {
    const model = watchedModel(0)
    await writeDecisions(folder, model, servedDays(1))
    await expect(monitorLog({ ...optionsFor(model), looks: 1 })).rejects.toThrow(
      /its only day, 2022-01-08, may not be over/,
    )
    const stranger = { ...model, scorer: { ...model.scorer, featureNames: ['user_tx_count_60s', 'missing'] } }
    const strange = { ...optionsFor(model), model: { ...monitoredModel(model), loaded: stranger } }
    await expect(monitorLog({ ...strange, looks: 1 })).rejects.toThrow(
      new RegExp(`none of ${ROWS} decisions can be used: 0 are on .*, ${ROWS} by models`),
    )
  })
})
