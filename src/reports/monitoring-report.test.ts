import { beforeAll, describe, expect, it } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { monitorText } from '../cli/commands/monitor-text.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { BANK_MODEL, bank, entryOf, labelsOf } from '../monitoring/labelled-bank.test-kit.ts'
import { monitorLog } from '../monitoring/monitor-log.ts'
import type { MonitorReport } from '../monitoring/monitor-report.ts'
import { FIRST_DAY, inventedDay, watchedModel, writeDecisions } from '../monitoring/monitored-log.test-kit.ts'
import { monitoredModel } from '../monitoring/monitored-model.ts'
import { renderMonitoringReport } from './monitoring-report.ts'

const ATTACK = `<script>alert("1")</script>`

/** Five days served, the last of which is over is another: more visits, and amounts that are missing. */
const reportOf = async (trainingDays: number, isChanged: boolean): Promise<MonitorReport> => {
  const { folder, remove } = testFolder()
  try {
    const model = watchedModel(trainingDays)
    const random = createRandom(9)
    const rows = Array.from({ length: 5 }, (_, n) =>
      inventedDay(FIRST_DAY + n, random, (row) =>
        isChanged && n === 3
          ? { ...row, visits: row.visits + 2, amount: row.eventTimeMs % 2 === 0 ? Number.NaN : row.amount }
          : row,
      ),
    ).flat()
    await writeDecisions(folder, model, rows, (entry, row) => ({
      ...entry,
      transaction: { ...entry.transaction, transactionId: `${ATTACK}${row}` },
    }))
    return await monitorLog({
      model: monitoredModel(model),
      folders: [folder],
      openLog: openLogReader,
      workFolder: folder,
      work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: folder }),
      looks: 2,
    })
  } finally {
    remove()
  }
}

describe('the drift page', () => {
  let changed: MonitorReport
  let page: string
  beforeAll(async () => {
    changed = await reportOf(60, true)
    page = await renderMonitoringReport(changed)
  })

  it('is the same page for the same report, and needs nothing else', async () => {
    expect(await renderMonitoringReport(changed)).toBe(page)
    expect(page).not.toMatch(/<script|<link|src="http|url\(http/)
  })

  it('shows the verdict, what to do, each changed feature over time with its rows, and all features', () => {
    expect(changed.changed.map(({ feature }) => feature).sort()).toEqual(['amount', 'user_tx_count_60s'])
    expect(page).toContain(`<span class="badge ${changed.severity === 'moderate' ? 'warn' : 'bad'}">`)
    for (const text of [
      'Look at the feed first: amount',
      'Share of alerts by day',
      'Rows by day',
      'The furthest of all series on each day, and the limit',
      '<h3><code>amount</code></h3>',
      '<h3><code>user_tx_count_60s</code></h3>',
      '75 % of what moves the scores',
      '2022-01-12 may not be over: its 150 rows are not looked at.',
      'purchase</td>',
    ])
      expect(page).toContain(text)
    // Three of days, one for each changed feature.
    expect(page.match(/<figure>/g)).toHaveLength(5)
    expect(page).toContain('Dashed below: the share of missing values.')
  })

  it('escapes what comes from the data', () => {
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
  })

  it('says that nothing is to be done where nothing has changed', async () => {
    const quiet = await renderMonitoringReport(await reportOf(60, false))
    expect(quiet).toContain('<span class="badge good">none</span>')
    expect(quiet).toContain('Nothing to do')
    expect(quiet).not.toContain('Changed features')
    expect(quiet.match(/<figure>/g)).toHaveLength(3)
  })

  it('has no limits, and says so, where the history is too short for them', async () => {
    const short = await renderMonitoringReport(await reportOf(5, true))
    expect(short).toContain('no limit yet')
    expect(short).toContain('too few for limits')
    expect(short).not.toContain('NaN')
    expect(short.match(/<figure>/g)).toHaveLength(2)
  })
})

describe('the page of a log with labels', () => {
  const DAYS = 50
  let report: MonitorReport
  let page: string
  beforeAll(async () => {
    const { folder, remove } = testFolder()
    const rows = bank(DAYS, 40)
    const dayOf = (row: number): number => Math.floor(rows[row]!.eventTimeMs / DAY_MS) - FIRST_DAY
    const cents = (row: number): number => (dayOf(row) === DAYS - 2 ? 100 : 1)
    await writeDecisions(
      folder,
      BANK_MODEL,
      rows,
      (entry, row) => entryOf({ ...rows[row]!, amountMinor: rows[row]!.amountMinor * cents(row) }, entry),
      labelsOf(rows),
    )
    try {
      report = await monitorLog({
        model: monitoredModel(BANK_MODEL),
        folders: [folder],
        openLog: openLogReader,
        workFolder: folder,
        work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: folder }),
        looks: 2,
      })
    } finally {
      remove()
    }
    page = await renderMonitoringReport(report)
  })

  it('has the worst severity of drift, performance and data', () => {
    expect([report.performance!.severity, report.quality.severity, report.severity]).toEqual([
      'critical',
      'critical',
      'critical',
    ])
  })

  it('names the fault of the data first, and the days that nothing must be learnt from', () => {
    const broken = dateOf(FIRST_DAY + DAYS - 2)
    expect(report.advice[0]).toMatch(new RegExp(`^Data of ${broken} are broken: amount is in another unit`))
    expect(report.advice[1]).toContain(`Do not retrain on ${broken}`)
    expect(page).toContain(`<b>Do not retrain on ${broken}.</b>`)
    expect(page.indexOf('amount is in another unit')).toBeLessThan(page.indexOf('Performance, as known'))
  })

  it('shows cohorts, tests, money and calibration, and what an estimate without labels cannot see', () => {
    for (const text of [
      'Precision of reviewed alerts by day',
      'How far each test is from its limit',
      'Recall by week of the decision',
      'Fraud rate by week of the decision',
      'Calibration: frauds announced and observed',
      'Value detection rate',
      'cannot see a change of what is fraud among those with the same features (P(y|x))',
    ])
      expect(page).toContain(text)
    expect(page).not.toContain('NaN')
  })

  it('is told on the terminal too', () => {
    const text = monitorText(report, (FIRST_DAY + DAYS) * DAY_MS)
    expect(text).toMatch(/performance, as known before \d{4}-\d\d-\d\d: critical/)
    expect(text).toMatch(/all decisions: evidence of a change .* an alarm/)
    expect(text).toMatch(/data of .*: critical, against \d+ days\n {2}amount is in another unit/)
    expect(text).not.toContain('NaN')
  })
})
