import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { MonitorReport } from '../../src/monitoring/monitor-report.ts'
import { SERVED_BANK, SERVED_MODEL, sendRows, splitBank } from './served-bank.ts'
import { killVigiaServers, runVigia, startVigiaServer } from './vigia-server.ts'

/*
 * A bank of a hundred days: a model learns from the first ninety, a server decides on the others, and `vigia
 * monitor` looks at its log: while all is as ever, and when a feed loses its devices.
 */

const home = mkdtempSync(join(tmpdir(), 'vigia-monitor-'))
afterAll(async () => {
  await killVigiaServers()
  rmSync(home, { recursive: true, force: true })
})

const BROKEN = '2025-04-09'

const vigia = async (words: readonly string[], settings: readonly string[]) =>
  runVigia(home, [...words, ...settings.flatMap((setting) => ['--set', setting])])

test('what a server decides on is held against its training: nothing is raised while all is as ever, and a broken feed the day that it breaks', async () => {
  expect((await vigia(['generate', '--out', 'bank.parquet'], SERVED_BANK)).status).toBe(0)
  const rows = await splitBank(home)
  const trained = await vigia(
    ['run'],
    [...SERVED_MODEL, 'source.path=trained.parquet', 'tracking.enabled=false'],
  )
  expect([trained.status, trained.stderr]).toEqual([0, expect.anything()])
  const served = ['model.source=runs/vigia']
  const server = await startVigiaServer(home, [...served, 'limits.requests_per_minute=0'])

  const before = rows.filter(({ timestamp }) => timestamp < BROKEN)
  await sendRows(server, before)
  const usual = await vigia(['monitor', '--days', '3', '--json'], served)
  const quiet = JSON.parse(usual.stdout) as MonitorReport
  expect([usual.status, quiet.severity, quiet.changed]).toEqual([0, 'none', []])
  expect(quiet.looks.map(({ date, basis }) => [date, basis])).toEqual([
    ['2025-04-05', 'chart'],
    ['2025-04-06', 'chart'],
    ['2025-04-07', 'chart'],
  ])
  expect(quiet.unfinished?.date).toBe('2025-04-08')
  expect(quiet.looks.at(-1)!.historyDays).toBeGreaterThan(40)
  expect(quiet.rows).toBe(before.length)

  // From here on a third of the feed comes without devices.
  const after = rows
    .filter(({ timestamp }) => timestamp >= BROKEN)
    .map((row, n) => (n % 3 === 0 ? { ...row, device_id: null, device_type: null } : row))
  await sendRows(server, after)
  const words = ['monitor', '--days', '1', '--html', 'drift.html', '--out', 'drift.json']
  const broken = await vigia(words, served)
  const report = JSON.parse(readFileSync(join(home, 'drift.json'), 'utf8')) as MonitorReport
  expect(broken.status).toBe({ none: 0, moderate: 10, severe: 11, critical: 12 }[report.severity])
  expect(report.severity).not.toBe('none')
  expect(report.looks.map(({ date }) => date)).toEqual([BROKEN])
  const features = report.changed.map(({ feature }) => feature)
  expect(features).toContain('device_type_code')
  const { examples } = report.changed.find(({ feature }) => feature === 'device_type_code')!
  const lost = new Set(
    after.filter(({ device_type }) => device_type === null).map((row) => row['transaction_id']),
  )
  expect(examples).toHaveLength(3)
  for (const { transactionId } of examples) expect(lost.has(transactionId)).toBe(true)
  expect(broken.stdout).toMatch(/Look at the feed first: .*device_type_code/)
  const page = readFileSync(join(home, 'drift.html'), 'utf8')
  expect(page).toContain('<h3><code>device_type_code</code></h3>')
  expect(page.match(/<svg/g)!.length).toBeGreaterThan(3)

  // What is there is not replaced, and what cannot be asked is said.
  const again = await vigia(words, served)
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('drift.json')])
  expect((await vigia([...words, '--force'], served)).status).toBe(broken.status)
  const none = await vigia(['monitor', '--days', '0'], served)
  expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('--days is 0')])
  const both = await vigia(['monitor', '--out', 'same', '--html', './same'], served)
  expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('both name same')])
  const nowhere = await vigia(['monitor', '--log', 'nowhere'], served)
  expect([nowhere.status, nowhere.stderr]).toEqual([2, expect.stringContaining('there is no such folder')])

  // A file of features instead of the log: the training's own, on its last day that is over.
  const making = ['features', '--out', 'features.parquet']
  const written = await vigia(making, [
    ...SERVED_MODEL,
    'source.path=trained.parquet',
    'tracking.enabled=false',
  ])
  expect([written.status, written.stderr]).toEqual([0, expect.anything()])
  const file = ['monitor', '--features', 'features.parquet', '--days', '1']
  const ofFile = await vigia([...file, '--json'], served)
  const fromFile = JSON.parse(ofFile.stdout) as MonitorReport
  expect(fromFile.looks.map(({ date }) => date)).toEqual(['2025-03-30'])
  expect(fromFile.unfinished?.date).toBe('2025-03-31')
  expect(fromFile.performance!.labels.alert.labels).toBeGreaterThan(0)
  const two = await vigia([...file, '--log', '.vigia/log'], served)
  expect([two.status, two.stderr]).toEqual([
    2,
    expect.stringContaining('--features and --log are both given'),
  ])
  expect(existsSync(join(home, '.vigia', '.monitor-spill'))).toBe(false)
  expect(await server.stop()).toBe(0)
})
