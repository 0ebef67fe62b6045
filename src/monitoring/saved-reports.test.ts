import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { savedReports } from './saved-reports.ts'

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const MIDNIGHT_MS = Date.parse('2026-11-30T00:20:00Z')
const DAY_MS = 86_400_000
const of = (n: number) => ({ json: `{"n":${n}}`, html: `<p>${n}` })

test('the latest report is read, JSON and page, and the oldest beyond the number that is kept are removed', async () => {
  const reports = savedReports(join(folder, 'reports'), () => 'none yet')
  for (let n = 0; n < 5; n++) await reports.save(MIDNIGHT_MS + n * DAY_MS, of(n), 3)
  expect([await reports.readLatest('json'), await reports.readLatest('html')]).toEqual(['{"n":4}', '<p>4'])
  expect(readdirSync(reports.folder).sort()).toEqual([
    '2026-12-02T00-20-00Z.html',
    '2026-12-02T00-20-00Z.json',
    '2026-12-03T00-20-00Z.html',
    '2026-12-03T00-20-00Z.json',
    '2026-12-04T00-20-00Z.html',
    '2026-12-04T00-20-00Z.json',
  ])
})

test('without a report it is said why, whether the folder is there or not', async () => {
  const reports = savedReports(join(folder, 'reports'), () => 'the first look is due at noon')
  const none = { code: 'MONITORING_NO_REPORT', message: expect.stringContaining('due at noon') }
  await expect(reports.readLatest('json')).rejects.toMatchObject(none)
  await reports.save(MIDNIGHT_MS, of(1), 3)
  for (const file of readdirSync(reports.folder)) rmSync(join(reports.folder, file))
  await expect(reports.readLatest('html')).rejects.toMatchObject(none)
})

test('a page without its JSON is no report: its look was cut short', async () => {
  const reports = savedReports(folder, () => 'none yet')
  await reports.save(MIDNIGHT_MS, of(1), 3)
  await reports.save(MIDNIGHT_MS + DAY_MS, of(2), 3)
  rmSync(join(folder, '2026-12-01T00-20-00Z.json'))
  expect(await reports.readLatest('html')).toBe('<p>1')
})
