import type { ValidationCheck, ValidationReport } from '../dataset/validation-report.ts'
import { decimalExponent, powerOfTen } from '../foundation/elementary/whole-powers.ts'
import { featureAmounts, minorPerUnit } from '../transaction/amount-rules.ts'
import { CHART_COLORS, type ChartSpecification, renderChart } from './chart.ts'
import { figure, type Html, html, page, table } from './page.ts'

const count = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/** The report as one HTML page that needs nothing else. Every text of the data is escaped. */
export const renderValidationReport = async (report: ValidationReport): Promise<string> => {
  const { read } = report
  const quarantinedFrauds = read.reasons.reduce((sum, { frauds }) => sum + frauds, 0)
  const failed = report.checks.filter((check) => !check.passed)
  return page(
    'Validation report',
    html`<h1>Validation report</h1>
<p class="quiet">${read.files.map((file) => file.path).join(', ')}${report.firstEvent === null ? '' : `, events from ${day(report.firstEvent)} to ${day(report.lastEvent)}`}</p>
<div class="tiles">
${tile('verdict', report.verdict === 'passed' ? html`<span class="badge good">passed</span>` : html`<span class="badge bad">failed</span>`)}
${tile('rows read', count.format(read.inputRows))}
${tile('accepted', count.format(read.acceptedRows))}
${tile('quarantined', count.format(read.quarantinedRows))}
${tile('checks failed', `${failed.length} of ${report.checks.length}`)}
</div>
<div class="charts">${await charts(report)}</div>
<h2>Checks</h2>
${checksTable(report.checks)}
${examples(report.checks)}
<h2>Quarantine</h2>
${
  read.reasons.length === 0
    ? html`<p>Every row could be used.</p>`
    : table(
        ['Reason', 'Code', 'Rows', 'Share', 'Frauds', 'Share of all frauds'],
        read.reasons.map(({ what, code, rows, frauds }) => [
          what,
          html`<code>${code}</code>`,
          count.format(rows),
          percent(rows / read.inputRows),
          count.format(frauds),
          frauds === 0 ? '' : percent(frauds / (read.acceptedFrauds + quarantinedFrauds)),
        ]),
        [2, 3, 4, 5],
      )
}
<h2>Columns</h2>
${table(
  ['Column', 'Type', 'Made from', 'Missing', 'Distinct'],
  report.columns.map((column) => [
    column.name,
    column.type,
    column.mapped
      ? html`<code>${expressionOf(report, column.name)}</code>`
      : html`<span class="quiet">not in the source</span>`,
    column.mapped ? percent(column.missingShare) : '',
    column.distinct === null ? '' : count.format(column.distinct),
  ]),
  [3, 4],
)}
${sourceColumns(report)}`,
  )
}

/** The columns of the source itself, the most telling first: what is used, and what is left out. */
const sourceColumns = ({ read: { profile } }: ValidationReport): Html => {
  if (profile === null) return html``
  const columns = [...profile.columns].sort((left, right) => (right.power ?? 0) - (left.power ?? 0))
  return html`<h2>Columns of the source</h2>
<p class="quiet">Values of the first ${count.format(profile.rows)} rows. Power alone: the area under the ROC curve of the best use of that one column that is tried, on rows later than those it was learnt from; 0.5 is none.</p>
${table(
  ['Column', 'Used for', 'Filled', 'Distinct, about', 'Power alone'],
  columns.map(({ name, fields, filled, distinct, power }) => [
    name,
    fields.length === 0 ? html`<span class="quiet">left out</span>` : fields.join(', '),
    percent(filled / Math.max(1, profile.rows)),
    count.format(distinct),
    power === null ? '' : power.toFixed(3),
  ]),
  [2, 3, 4],
)}`
}

const tile = (label: string, value: Html | string): Html =>
  html`<div class="tile"><span class="quiet">${label}</span><b>${value}</b></div>`

const day = (instant: string | null): string => instant?.slice(0, 10) ?? ''

const checksTable = (checks: readonly ValidationCheck[]): Html =>
  table(
    ['Result', 'Check', 'Observed', 'Allowed', 'Rows', 'Threshold (validation.)'],
    // Failures first; the order within is that of the report.
    [...checks]
      .sort((left, right) => Number(left.passed) - Number(right.passed))
      .map((check) => [
        badge(check),
        html`${check.what}<br><code class="quiet">${check.id}</code>${check.detail === undefined ? '' : html`<br><span class="quiet">${check.detail}</span>`}`,
        shown(check),
        check.allowed,
        check.rows === 0 ? '' : count.format(check.rows),
        check.setting === null ? '' : html`<code>${check.setting.replaceAll('validation.', '')}</code>`,
      ]),
    [2, 4],
  )

const badge = (check: ValidationCheck): Html => {
  if (check.passed) return html`<span class="badge good">ok</span>`
  return html`<span class="badge ${check.severity === 'error' ? 'bad' : 'warn'}">${check.severity}</span>`
}

const shown = ({ what, observed }: ValidationCheck): string => {
  if (typeof observed !== 'number') return observed ?? ''
  return what.startsWith('share') ? percent(observed) : String(Number(observed.toPrecision(6)))
}

const examples = (checks: readonly ValidationCheck[]): Html => {
  const rows = checks.flatMap((check) =>
    check.examples.map(({ sourceRow, value }) => [
      html`<code>${check.id}</code>`,
      count.format(sourceRow),
      value,
    ]),
  )
  return rows.length === 0
    ? html``
    : html`<h2>Examples</h2>${table(['Check', 'Source row', 'Value'], rows, [1])}`
}

const FIELD_OF: Readonly<Record<string, string>> = {
  event_time_ms: 'timestamp',
  amount_minor: 'amount',
  labelled_at_ms: 'labelled_at',
}

const expressionOf = (report: ValidationReport, column: string): string => {
  const mapping: Readonly<Record<string, string | null>> = report.read.mapping
  return mapping[FIELD_OF[column] ?? column] ?? 'the place of the row'
}

const SIZE = { width: 400, height: 200 }

const charts = async (report: ValidationReport): Promise<readonly Html[]> => {
  const missing = report.columns.filter(
    ({ name, mapped, missing }) => mapped && missing > 0 && name !== 'fraud_pattern',
  )
  const drawn: readonly (readonly [string, ChartSpecification] | null)[] = [
    report.days.length === 0 ? null : ['Rows a day', volumeChart(report)],
    report.amounts.length === 0 ? null : [amountTitle(report), amountChart(report)],
    report.days.some(({ fraud }) => fraud > 0)
      ? ['Share of fraud among labelled rows, by day', fraudChart(report)]
      : null,
    report.read.reasons.length === 0
      ? null
      : [
          'Quarantined rows by reason',
          barChart(
            report.read.reasons.map(({ what, rows }) => ({ name: what, value: rows })),
            ',d',
            CHART_COLORS.alert,
          ),
        ],
    missing.length === 0
      ? null
      : [
          'Missing values',
          barChart(
            missing.map(({ name, missingShare }) => ({ name, value: missingShare })),
            '.1%',
            CHART_COLORS.accent,
          ),
        ],
  ]
  const figures: Html[] = []
  for (const chart of drawn) if (chart) figures.push(figure(chart[0], await renderChart(chart[1], chart[0])))
  return figures
}

const timeAxis = {
  field: 'day',
  type: 'temporal',
  scale: { type: 'utc' },
  title: null,
  axis: { grid: false, labelOverlap: true, tickCount: 6 },
}

const volumeChart = ({ days }: ValidationReport): ChartSpecification => ({
  ...SIZE,
  data: {
    values: days.flatMap(({ dayMs, accepted, quarantined }) => [
      { day: dayMs, kind: 'accepted', rows: accepted },
      { day: dayMs, kind: 'quarantined', rows: quarantined },
    ]),
  },
  mark: { type: 'area', interpolate: 'step-after' },
  encoding: {
    x: timeAxis,
    y: {
      field: 'rows',
      type: 'quantitative',
      title: null,
      stack: true,
      axis: { tickCount: 5, format: ',d' },
    },
    color: {
      field: 'kind',
      type: 'nominal',
      scale: { domain: ['accepted', 'quarantined'], range: [CHART_COLORS.accent, CHART_COLORS.alert] },
    },
  },
})

/** A logarithm has no place for amounts of 0 and refunds: they are told. */
const amountTitle = ({ zeroAmounts, refunds }: ValidationReport): string => {
  const besides = [
    ...(zeroAmounts > 0 ? [`${count.format(zeroAmounts)} of 0`] : []),
    ...(refunds > 0 ? [`${count.format(refunds)} refunds`] : []),
  ]
  return `Amounts (logarithmic)${besides.length > 0 ? `, without ${besides.join(' and ')}` : ''}`
}

const amountChart = ({ amounts, read }: ValidationReport): ChartSpecification => ({
  ...SIZE,
  data: {
    values: amounts.map(({ fromMinor, toMinor, rows }) => ({
      from: fromMinor / minorPerUnit(featureAmounts(read.amounts).decimals),
      to: toMinor / minorPerUnit(featureAmounts(read.amounts).decimals),
      none: 0,
      rows,
    })),
  },
  mark: { type: 'rect', color: CHART_COLORS.accent },
  encoding: {
    x: {
      field: 'from',
      type: 'quantitative',
      scale: { type: 'log' },
      title: 'amount',
      axis: { grid: false, tickCount: 6, format: ',.2~f', labelOverlap: 'greedy', labelSeparation: 12 },
    },
    x2: { field: 'to' },
    y: {
      field: 'rows',
      type: 'quantitative',
      title: null,
      scale: { type: 'symlog' },
      axis: { format: ',d', values: powersOfTen(amounts) },
    },
    y2: { field: 'none' },
  },
})

const powersOfTen = (amounts: ValidationReport['amounts']): readonly number[] => {
  const most = Math.max(1, ...amounts.map(({ rows }) => rows))
  const highest = decimalExponent(most)
  const count = powerOfTen(highest) === most ? highest + 1 : highest + 2
  return [0, ...Array.from({ length: count }, (_, power) => powerOfTen(power))]
}

const fraudChart = ({ days }: ValidationReport): ChartSpecification => ({
  ...SIZE,
  data: {
    values: days
      .filter(({ labelled }) => labelled > 0)
      .map(({ dayMs, fraud, labelled }) => ({ day: dayMs, share: fraud / labelled })),
  },
  mark: { type: 'line', color: CHART_COLORS.alert },
  encoding: {
    x: timeAxis,
    y: {
      field: 'share',
      type: 'quantitative',
      title: null,
      scale: { zero: true },
      axis: { format: '.1%', tickCount: 5 },
    },
  },
})

const barChart = (
  values: readonly { readonly name: string; readonly value: number }[],
  format: string,
  color: string,
): ChartSpecification => ({
  width: 260,
  height: { step: 26 },
  data: { values: [...values].sort((left, right) => right.value - left.value) },
  encoding: {
    y: { field: 'name', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false } },
    x: { field: 'value', type: 'quantitative', title: null, axis: null },
  },
  layer: [
    { mark: { type: 'bar', color } },
    { mark: { type: 'text', align: 'left', dx: 5 }, encoding: { text: { field: 'value', format } } },
  ],
})
