import { describe, expect, it } from 'vitest'
import type { ValidationReport } from '../dataset/validation-report.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { SOURCE_FIELDS } from '../transaction/fields.ts'
import { renderChart } from './chart.ts'
import { html, page, table } from './page.ts'
import { renderValidationReport } from './validation-report.ts'

const ATTACK = `<script>alert("1")</script><img src=x onerror='alert(1)'>`

describe('the validation page', () => {
  it('is the same page for the same report', async () => {
    expect(await renderValidationReport(report('EUR'))).toBe(await renderValidationReport(report('EUR')))
  })

  it('shows the verdict, the counts and a picture of each kind', async () => {
    const markup = await renderValidationReport(report('EUR'))
    for (const text of [
      '>failed<',
      '>1,000<',
      '>990<',
      'Rows a day',
      'Amounts',
      'Share of fraud',
      'by reason',
      'Missing values',
    ])
      expect(markup).toContain(text)
    expect(markup.match(/<svg /g)).toHaveLength(5)
  })

  it('shows how many frauds each reason of the quarantine took, and their share of all', async () => {
    const markup = await renderValidationReport(report('EUR'))
    expect(markup).toMatch(/user missing<\/td>.*>10<\/td>.*>1 %<\/td>.*>3<\/td>.*>25 %<\/td>/)
    expect(markup).toContain('why EUR')
  })

  it('shows the columns of the source, the most telling first, and which are left out', async () => {
    const markup = await renderValidationReport(report('EUR'))
    expect(markup).toMatch(/V14 EUR<\/td>.*left out.*>50 %<\/td>.*>7<\/td>.*>0.931<\/td>.*>0.510<\/td>/)
  })

  it('escapes every text that came from the data', async () => {
    const markup = await renderValidationReport(report(ATTACK))
    expect(markup).not.toMatch(/<script|<img/)
    expect(markup).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
  })

  it('asks nobody for anything: no script, no address but names of namespaces', async () => {
    const markup = await renderValidationReport(report('EUR'))
    expect(markup.replaceAll(/xmlns(:xlink)?="[^"]+"/g, '')).not.toMatch(/https?:|<script|<link|url\((?!#)/)
  })

  it('the same report gives the same page, and a report without rows a page without pictures', async () => {
    expect(await renderValidationReport(report('a'))).toBe(await renderValidationReport(report('a')))
    const empty = { ...report('a'), firstEvent: null, lastEvent: null, days: [], amounts: [], columns: [] }
    const markup = await renderValidationReport({ ...empty, read: { ...empty.read, reasons: [] } })
    expect(markup).not.toContain('<svg ')
    expect(markup).toContain('Every row could be used.')
  })
})

describe('the pieces of a page', () => {
  it('html escapes text and keeps html', () => {
    expect(html`<p>${'a < b & "c"'}${html`<b>${1}</b>`}${null}</p>`.markup).toBe(
      '<p>a &lt; b &amp; &quot;c&quot;<b>1</b></p>',
    )
  })

  it('a table escapes its cells and headers', () => {
    expect(table(['<'], [['>']]).markup).toContain('<th>&lt;</th></tr></thead><tbody><tr><td>&gt;</td>')
  })

  it('a page escapes its title', () => {
    expect(page('</title><script>', html`x`)).toContain('<title>&lt;/title&gt;&lt;script&gt;</title>')
  })

  it('a chart escapes its data and label, and follows the colours of the page', async () => {
    const svg = await renderChart(
      {
        data: { values: [{ name: ATTACK, value: 1 }] },
        mark: 'bar',
        encoding: { y: { field: 'name', type: 'nominal' }, x: { field: 'value', type: 'quantitative' } },
      },
      ATTACK,
    )
    expect(svg).not.toMatch(/<script|<img/)
    expect(svg).toContain('var(--chart-accent)')
  })
})

const report = (text: string): ValidationReport => ({
  version: 1,
  asOf: '2026-01-02T00:00:00.000Z',
  firstEvent: '2026-01-01T00:00:00.000Z',
  lastEvent: '2026-01-02T00:00:00.000Z',
  read: {
    format: 'csv',
    amounts: DEFAULT_AMOUNTS,
    files: [{ path: text, firstRow: 1, rows: 1000 }],
    sourceColumns: [text],
    renamedColumns: [],
    mapping: Object.fromEntries(
      SOURCE_FIELDS.map(({ wire, required }) => [wire, required ? text : null]),
    ) as ValidationReport['read']['mapping'],
    attributes: [],
    inputRows: 1000,
    acceptedRows: 990,
    quarantinedRows: 10,
    reasons: [{ code: 'user_missing', what: 'user missing', rows: 10, frauds: 3 }],
    acceptedFrauds: 9,
    lostFrauds: 3,
    takenAsUtc: [],
    clockChanges: [],
    profile: {
      rows: 100,
      numericTimes: null,
      columns: [
        { name: text, fields: ['currency'], filled: 90, distinct: 3, looksLikeId: false, power: 0.51 },
        { name: `V14 ${text}`, fields: [], filled: 50, distinct: 7, looksLikeId: false, power: 0.9314 },
      ],
    },
    outOfOrderRows: 0,
    quarantinedByDay: [],
  },
  columns: [{ name: 'currency', type: 'VARCHAR', mapped: true, missing: 99, missingShare: 0.1, distinct: 3 }],
  days: [
    { dayMs: 1767225600000, accepted: 500, quarantined: 10, labelled: 500, fraud: 5 },
    { dayMs: 1767312000000, accepted: 490, quarantined: 0, labelled: 490, fraud: 4 },
  ],
  amounts: [{ fromMinor: 100, toMinor: 158.5, rows: 990 }],
  zeroAmounts: 0,
  refunds: 0,
  checks: [
    {
      id: 'allowed.currency',
      what: 'values of currency outside the list',
      severity: 'error',
      setting: 'validation.allowed_values.currency',
      allowed: text,
      observed: text,
      rows: 1,
      examples: [{ sourceRow: 7, value: text }],
      passed: false,
      detail: `why ${text}`,
    },
  ],
  failOn: 'error',
  verdict: 'failed',
})
