import { beforeAll, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import type { DecisionEntry } from '../decisions/decided.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { type BankRow, bank, entryOf, labelsOf, BANK_MODEL as model } from './labelled-bank.test-kit.ts'
import { FIRST_DAY, type InventedLabel, ROWS, writeDecisions } from './monitored-log.test-kit.ts'
import { monitoredModel } from './monitored-model.ts'
import { type OutcomesOfLog, outcomesOfLog } from './outcomes-of-log.ts'
import { performanceFindings } from './performance-findings.ts'
import type { PerformanceSection, WatchSection } from './performance-section.ts'
import { qualityFindings } from './quality-findings.ts'

/** The outcomes of a log of these rows; its last day goes on, and the seven days before it are judged. */
const outcomes = async (
  rows: readonly BankRow[],
  more: {
    readonly labels?: readonly InventedLabel[]
    readonly edit?: (entry: DecisionEntry, row: number) => DecisionEntry
    readonly others?: readonly LoadedModel[]
  } = {},
): Promise<OutcomesOfLog> => {
  const { folder, remove } = testFolder()
  const { labels = [], edit = (entry: DecisionEntry) => entry, others = [] } = more
  const said = [...labelsOf(rows), ...labels]
  await writeDecisions(
    folder,
    model,
    rows,
    (entry, row) => edit(entryOf(rows[row]!, entry), row),
    said,
    others,
  )
  const work = unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: `${folder}/spill` })
  const lastDay = Math.floor(rows.at(-1)!.eventTimeMs / DAY_MS) - 1
  const options = { model: monitoredModel(model), work, firstDay: lastDay - 6, lastDay }
  try {
    return await withLoggedEntries(
      { folders: [folder], openLog: openLogReader, workFolder: folder, work },
      (logged) => outcomesOfLog(logged, options),
    )
  } finally {
    remove()
  }
}

const performance = async (...given: Parameters<typeof outcomes>): Promise<PerformanceSection> =>
  (await outcomes(...given)).performance!

describe('decisions of six weeks with labels', () => {
  const rows = bank(43)
  // All labels have come by the end of the last day that is over, or count from the next day on.
  const lastTold = Math.max(...rows.flatMap(({ words }) => words.map(([atMs]) => atMs)))
  const asOfMs = Math.floor(lastTold / DAY_MS) * DAY_MS
  const isKnown = ({ words }: BankRow): boolean => words.length > 0 && words[0]![0] <= asOfMs
  const isFraud = (row: BankRow): boolean => isKnown(row) && row.words[0]![1] === true
  const between = (from: string, to: string): readonly BankRow[] =>
    rows.filter(({ eventTimeMs }) => {
      const date = dateOf(Math.floor(eventTimeMs / DAY_MS))
      return date >= from && date <= to
    })

  let found: PerformanceSection
  beforeAll(async () => {
    found = await performance(rows)
  })

  test('have the figures that a plain count over the same entries has', () => {
    expect(found.asOf).toBe(dateOf(asOfMs / DAY_MS))
    expect(found.decisions).toBe(rows.length)
    const told = rows.filter(isKnown)
    const flagged = told.filter((row) => row.isFlagged)
    expect(found.labels.alert).toMatchObject({
      labels: flagged.length,
      frauds: flagged.filter(isFraud).length,
      flagged: flagged.length,
    })
    expect(found.labels.customer).toMatchObject({
      labels: told.length - flagged.length,
      frauds: told.length - flagged.length,
      flagged: 0,
    })
    expect(found.weeks.length).toBeGreaterThan(5)
    for (const { from, to, rows: count, flagged: alerts, observed } of [...found.weeks, ...found.days]) {
      const some = between(from, to)
      const frauds = some.filter(isFraud)
      const reviewed = some.filter((row) => row.isFlagged && isKnown(row))
      expect([count, alerts]).toEqual([some.length, some.filter((row) => row.isFlagged).length])
      expect(observed.frauds).toBe(frauds.length)
      expect(observed.fraudRate).toBeCloseTo(frauds.length / some.length, 12)
      expect(observed.recall).toBeCloseTo(frauds.filter((row) => row.isFlagged).length / frauds.length, 12)
      expect(observed.precision).toBeCloseTo(reviewed.filter(isFraud).length / reviewed.length, 12)
    }
  })

  test('have the money, by segment, and the calibration of a plain count', () => {
    const { mature, calibration, maturity } = found
    const sum = (some: readonly BankRow[]): number => some.reduce((all, row) => all + row.amountMinor, 0)
    const { figures, from, to, currency } = mature!
    expect(currency).toBe('EUR')
    const all = between(from, to)
    for (const [segment, of] of Object.entries({ ...figures.segments, '': figures.all })) {
      const some = all.filter(({ type }) => segment === '' || type.trim().toLowerCase() === segment)
      const frauds = some.filter(isFraud)
      const flagged = frauds.filter((row) => row.isFlagged)
      const honest = some.filter((row) => !isFraud(row))
      expect(of.rows).toBe(some.length)
      expect(of.valueMinor).toBe(sum(some))
      expect(of.valueDetectionRate).toBeCloseTo(sum(flagged) / sum(frauds), 12)
      expect(of.insultRate.value).toBeCloseTo(
        honest.filter((row) => row.isFlagged).length / honest.length,
        12,
      )
      expect(of.missedValueMinor).toBe(sum(frauds) - sum(flagged))
    }
    expect(Object.keys(figures.segments).sort()).toEqual(['purchase', 'withdrawal'])
    const old = rows.filter(({ eventTimeMs }) => eventTimeMs < asOfMs - maturity.matureDays * DAY_MS)
    expect(calibration.reduce((count, band) => count + band.rows, 0)).toBe(old.length)
    const announced = calibration.reduce((count, band) => count + band.rows * band.announced, 0)
    expect(announced).toBeCloseTo(
      old.reduce((count, row) => count + row.probability, 0),
      6,
    )
    expect(calibration.reduce((count, band) => count + band.rows * band.observed.value, 0)).toBeCloseTo(
      old.filter(isFraud).length,
      9,
    )
  })

  test('are mature by what was learnt of delays, and young cohorts are projected to more than is known', () => {
    const { maturity, weeks } = found
    expect(maturity.missed!.frauds).toBeGreaterThan(20)
    expect(maturity.flagged!.mostDays).toBeLessThanOrEqual(2)
    expect(maturity.missed!.halfDays).toBeGreaterThan(7)
    const young = weeks.findLast(({ projected }) => projected !== null)!
    expect(young.projected!.frauds.value).toBeGreaterThan(young.observed.frauds)
    expect(young.projected!.recall.value).toBeLessThan(young.observed.recall)
  })
})

describe('what was said of a decision', () => {
  /** Four days of no frauds; the words are of the first decisions, as the test says. */
  const quiet = bank(4).map((row): BankRow => ({ ...row, isFlagged: false, words: [] }))
  const at = (days: number): number => (FIRST_DAY + days) * DAY_MS
  const observed = async (labels: readonly InventedLabel[]) => {
    const { days, labels: by } = await performance(quiet, { labels })
    return { frauds: days.map(({ observed: { frauds } }) => frauds), by }
  }

  test('counts once it is known, on the day of the decision', async () => {
    const late = { of: 2, isFraud: true, receivedAtMs: at(2.5) }
    expect((await observed([late])).frauds).toEqual([1, 0, 0])
    // On the day that goes on: from tomorrow on.
    expect((await observed([{ ...late, receivedAtMs: at(3.5) }])).frauds).toEqual([0, 0, 0])
  })

  test('is corrected and taken back by what is said later', async () => {
    const first = { of: ROWS + 3, isFraud: true, receivedAtMs: at(1.5) }
    expect((await observed([first])).frauds).toEqual([0, 1, 0])
    const corrected = await observed([first, { ...first, isFraud: false, receivedAtMs: at(2) }])
    expect([corrected.frauds, corrected.by.customer.labels]).toEqual([[0, 0, 0], 1])
    const takenBack = await observed([first, { ...first, isFraud: null, receivedAtMs: at(2) }])
    expect([takenBack.frauds, takenBack.by.customer.labels]).toEqual([[0, 0, 0], 0])
  })

  test('is nothing where the server takes silence for genuine, or the label waits for its transaction', async () => {
    const said = { of: 2, isFraud: false, receivedAtMs: at(2) }
    const { by } = await observed([
      { ...said, origin: 'delay' },
      { ...said, of: 3, isFraud: true, isWaiting: true },
    ])
    expect([by.customer.labels, by.toldGenuine]).toEqual([0, 0])
    expect((await observed([said])).by.toldGenuine).toBe(1)
    // A decision of which nobody said anything is genuine in every figure.
    const { mature, notes } = await performance(quiet)
    expect(mature!.figures.all).toMatchObject({ frauds: 0, rows: 2 * ROWS })
    expect(notes.join(' ')).toMatch(/Nobody has told a label/)
  })

  test('is found by the token of its transaction, where nobody kept the id', async () => {
    const { tokenOf } = await import('../transaction/token.ts')
    const label = {
      of: 0,
      isFraud: true,
      receivedAtMs: at(1),
      transactionId: '',
      transactionToken: tokenOf('t5'),
    }
    expect((await observed([label])).frauds).toEqual([1, 0, 0])
  })
})

describe('labels of the log', () => {
  const rows = bank(20)
  const told = rows.flatMap(({ isFlagged, words }, of) => (isFlagged || words.length > 0 ? [] : [of]))
  const review = { drawn: 'review', propensity: 0.02 } as const
  const passed = { drawn: 'let_through', propensity: 0.1 } as const

  test('are of whoever the log says, and else of whoever tells labels of such decisions', async () => {
    const at = (of: number) => ({ of, isFraud: true, receivedAtMs: rows[of]!.eventTimeMs + 60_000 })
    const plain = (await performance(rows)).labels
    const found = await performance(rows, {
      labels: [{ ...at(told[0]!), origin: 'sample' }, { ...at(told[1]!), origin: 'alert' }, at(told[2]!)],
      edit: (entry, row) => (row === told[2] ? { ...entry, controlSample: review } : entry),
    })
    expect(found.labels.sample).toMatchObject({ labels: 2, frauds: 2, flagged: 0 })
    expect(found.labels.alert.labels).toBe(plain.alert.labels + 1)
    expect(found.labels.customer.labels).toBeLessThanOrEqual(plain.customer.labels)
  })

  test('that are genuine are kept of what was drawn, and what was let through is an alert of its model', async () => {
    const flagged = rows.findIndex(({ isFlagged, words }) => isFlagged && words.length > 0)
    const genuine = { of: told[0]!, isFraud: false, receivedAtMs: rows[told[0]!]!.eventTimeMs + 60_000 }
    const plain = await performance(rows)
    const found = await performance(rows, {
      labels: [genuine],
      edit: (entry, row) => {
        if (row === told[0]) return { ...entry, controlSample: review }
        return row === flagged ? { ...entry, isFlagged: false, controlSample: passed } : entry
      },
    })
    expect(found.labels.toldGenuine).toBe(plain.labels.toldGenuine)
    expect(found.labels.sample).toMatchObject({ labels: 2, flagged: 1 })
    const alerts = ({ days }: PerformanceSection) => days.reduce((sum, day) => sum + day.flagged, 0)
    expect(alerts(found)).toBe(alerts(plain))
  })
})

describe('the tests', () => {
  const CHANGED = 45
  const watchOf = ({ watches }: PerformanceSection, segment = ''): WatchSection =>
    watches.find((watch) => watch.segment === segment)!
  const daysOf = (watch: WatchSection, name: string) => watch.rates.find((rate) => rate.name === name)!.days

  test('find alerts that have become worse, and say so by segment', async () => {
    const changed = await outcomes(bank(58, CHANGED))
    const watch = watchOf(changed.performance!)
    expect([watch.status, watch.isAlarm, watch.severity]).toEqual(['watched', true, 'critical'])
    expect(changed.performance!.severity).toBe('critical')
    expect(watch.reasons[0]).toMatch(/^precision of reviewed alerts: \d+ frauds of \d+ from/)
    const findings = performanceFindings(changed)
    expect(findings.map(({ kind, segment }) => [kind, segment])).toEqual([
      ['performance', ''],
      ['performance', 'withdrawal'],
      ['performance', 'purchase'],
    ])
    expect(findings[0]).toMatchObject({ severity: 'critical', summary: watch.reasons[0] })
    // The counts of a day are those of a plain count of its alerts.
    const rows = bank(58, CHANGED)
    for (const { date, rows: alerts, frauds } of daysOf(watch, 'precision')) {
      const some = rows.filter(
        (row) => row.isFlagged && dateOf(Math.floor(row.eventTimeMs / DAY_MS)) === date,
      )
      expect([alerts, frauds]).toEqual([some.length, some.filter(({ words }) => words[0]![1]).length])
    }
  })

  test('find nothing while all is as ever', async () => {
    const calm = await outcomes(bank(58))
    expect(calm.performance!.watches.map(({ status, isAlarm }) => [status, isAlarm])).toEqual(
      calm.performance!.watches.map(() => ['watched', false]),
    )
    expect(performanceFindings(calm).map(({ severity }) => severity)).toEqual(['none', 'none', 'none'])
  })

  test('say the same of a day whenever one looks', async () => {
    const rows = bank(58, CHANGED)
    const before = rows.filter(({ eventTimeMs }) => eventTimeMs < (FIRST_DAY + 50) * DAY_MS)
    const until = before.map((row) => ({
      ...row,
      words: row.words.filter(([atMs]) => atMs < (FIRST_DAY + 50) * DAY_MS),
    }))
    const early = daysOf(watchOf(await performance(until)), 'precision')
    // What is told later of a day that has settled changes nothing of what was seen.
    const corrected = rows.map((row, n): BankRow => {
      const word = row.words[0]
      return row.isFlagged && n % 3 === 0 && word !== undefined
        ? { ...row, words: [word, [word[0] + 20 * DAY_MS, word[1] !== true]] }
        : row
    })
    const late = daysOf(watchOf(await performance(corrected)), 'precision')
    expect(early.length).toBeGreaterThan(40)
    expect(late.slice(0, early.length)).toEqual(early)
  })

  test('begin anew with another model', async () => {
    const other = { ...model, key: 'e'.repeat(16), description: { ...model.description, version: '9' } }
    const { watched, watches, notes } = await performance(bank(40), {
      others: [other],
      edit: (entry, row) => (row < 30 * ROWS ? entry : { ...entry, model: other.key }),
    })
    expect(watched).toEqual({ model: 'champion 9', since: dateOf(FIRST_DAY + 30) })
    expect(watches.map(({ status }) => status)).toEqual(['short'])
    expect(notes.join(' ')).toContain(`Nothing is tested yet: since ${watched.since}`)
  })

  test('leave out days of which too few alerts were answered, and say so', async () => {
    const rows = bank(40)
    const silent = await performance(
      rows.map((row) => (row.eventTimeMs < (FIRST_DAY + 5) * DAY_MS ? { ...row, words: [] } : row)),
    )
    expect(silent.notes.join(' ')).toMatch(/On 5 of 40 days fewer than 90 % of the alerts had a label/)
    expect(daysOf(watchOf(silent), 'precision')[0]!.date).toBe(dateOf(FIRST_DAY + 5))
  })
})

describe('the data of a log', () => {
  const rows = bank(24)
  const day = (row: number): number => Math.floor(row / ROWS)
  const cents = (entry: DecisionEntry): DecisionEntry => ({
    ...entry,
    transaction: { ...entry.transaction, amountMinor: entry.transaction.amountMinor * 100 },
  })

  test('are clean where nothing is wrong', async () => {
    const { quality } = await outcomes(rows)
    expect(quality).toMatchObject({ basis: 'judged', severity: 'none', blockedDays: [], reasons: [] })
    expect(quality.days.map(({ date, rows: count }) => [date, count])).toEqual(
      Array.from({ length: 7 }, (_, n) => [dateOf(FIRST_DAY + 16 + n), ROWS]),
    )
    expect(qualityFindings({ quality })).toEqual([
      { kind: 'data_quality', segment: '', severity: 'none', summary: '' },
    ])
  })

  test('have a day of cents for units named as such, on which nothing must be trained', async () => {
    const { quality } = await outcomes(rows, {
      edit: (entry, row) => (day(row) === 22 ? cents(entry) : entry),
    })
    expect(quality.severity).toBe('critical')
    expect(quality.blockedDays).toEqual([dateOf(FIRST_DAY + 22)])
    expect(quality.reasons[0]).toMatch(/^amount is in another unit: .* near 100$/)
    const [finding] = qualityFindings({ quality })
    expect(finding).toMatchObject({ kind: 'data_quality', segment: '', severity: 'critical' })
    expect(finding!.details!.join(' ')).toContain(`Do not retrain on ${dateOf(FIRST_DAY + 22)}.`)
  })

  test('have repeats, lost fields and days without rows', async () => {
    const lost = await outcomes(rows, {
      edit: (entry, row) => {
        const { userId: _, ...transaction } = entry.transaction
        return day(row) === 22 && row % 2 === 0 ? { ...entry, transaction } : entry
      },
    })
    expect(lost.quality.days.at(-1)!.faults[0]).toMatchObject({
      kind: 'missing',
      field: 'user_id',
      effect: 0.5,
    })
    const repeated = await outcomes(rows, {
      edit: (entry, row) => {
        if (day(row) !== 22 || row % 4 !== 0) return entry
        const { transactionId } = entry.transaction
        const { eventTimeMs, amountMinor, type } = rows[row + 1]!
        const of = { eventTimeMs, amountMinor, transactionType: type, userId: `t${row + 1}` }
        return { ...entry, transaction: { ...entry.transaction, ...of, transactionId } }
      },
    })
    expect(repeated.quality.days.at(-1)!.faults.map(({ kind }) => kind)).toContain('duplicates')
    const silent = await outcomes(rows.filter((_, row) => day(row) !== 21))
    expect(silent.quality.days.find(({ date }) => date === dateOf(FIRST_DAY + 21))).toMatchObject({
      rows: 0,
      severity: 'critical',
      blocksRetraining: true,
    })
  })

  test('are judged by two weeks at least', async () => {
    const { quality } = await outcomes(bank(10))
    expect([quality.basis, quality.severity]).toEqual(['short', 'none'])
    expect(qualityFindings({ quality })).toEqual([])
  })
})
