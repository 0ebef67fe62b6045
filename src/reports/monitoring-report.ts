import type { ChartVerdict, FeatureDrift, ScoreDrift } from '../drift/drift-look.ts'
import type { ChangedFeature, MonitorReport } from '../monitoring/monitor-report.ts'
import { dayCharts, featureChart, statisticChart } from './monitoring/charts.ts'
import { count, figures, percent, severityBadge } from './monitoring/figures.ts'
import { performancePart } from './monitoring/performance.ts'
import { qualityPart } from './monitoring/quality.ts'
import { details, type Html, html, page, table } from './page.ts'

/** What `vigia monitor` found as one HTML page that needs nothing else. Every text of the data is escaped. */
export const renderMonitoringReport = async (report: MonitorReport): Promise<string> => {
  const { model, looks, changed, changedCount, advice } = report
  const latest = looks.at(-1)!
  return page(
    'Monitoring report',
    html`<h1>Monitoring report</h1>
<p class="quiet">${model.name} ${model.version}, ${looks.length === 1 ? latest.date : `${looks[0]!.date} to ${latest.date}`}, prediction log ${report.source.join(', ')}</p>
<div class="tiles">
${tile(`severity on ${latest.date}`, severityBadge(report.severity))}
${tile('drift', severityBadge(latest.severity))}
${tile('performance', report.performance === null ? 'unknown' : severityBadge(report.performance.severity))}
${tile('data', report.quality.basis === 'short' ? 'not judged' : severityBadge(report.quality.severity))}
${tile('furthest series, limit', latest.basis === 'chart' ? `${latest.statistic.toFixed(1)} / ${latest.limit.toFixed(1)}` : 'no limit yet')}
${tile('features beyond it', `${changedCount} of ${latest.features.length}`)}
${tile('share of alerts, usual', `${percent(latest.score.alertRate)} / ${percent(latest.score.usualAlertRate)}`)}
${tile('rows of the day', count.format(latest.rows))}
${tile('days of history', count.format(latest.historyDays))}
</div>
<h2>What to do</h2>
<ul>${advice.map((line) => html`<li>${line}</li>`)}</ul>
${qualityPart(report.quality)}
${await performancePart(report.performance)}
<h2>Drift on ${latest.date}</h2>
${latest.reasons.length === 0 ? html`<p>Nothing is beyond the limit.</p>` : html`<ul>${latest.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
<h2>Day by day</h2>
<div class="charts">${await figures([...statisticChart(report), ...dayCharts(report)])}</div>
${changed.length === 0 ? html`` : html`<h2>Changed features</h2>${await Promise.all(changed.map(changedFeature))}`}
${segments(latest.score, latest.segments)}
<h2>All features on ${latest.date}</h2>
<p class="quiet">The chart decides: how far the day is from what its weekday and the days before let expect. Effects are against the same weekdays of the recent history; those since training are against the model's reference. p-values assume independent rows, which transactions of the same users and days are not: they decide nothing.</p>
${featureTable(latest.features)}
${details('Every look', looksTable(report))}
<p class="quiet">${leftOut(report)}</p>`,
  )
}

const tile = (label: string, value: Html | string): Html =>
  html`<div class="tile"><span class="quiet">${label}</span><b>${value}</b></div>`

const changedFeature = async (changed: ChangedFeature): Promise<Html> => {
  const { feature, importance, examples } = changed
  const [drawing] = await figures([featureChart(changed)])
  return html`<h3><code>${feature}</code></h3>
${importance === null ? html`` : html`<p class="quiet">${percent(importance)} of what moves the scores.</p>`}
<div class="charts">${drawing!}</div>
${
  examples.length === 0
    ? html``
    : html`<p class="quiet">Rows of the day where there are more than before:</p>
${table(
  ['Transaction', 'Record', 'Value', 'Probability of fraud'],
  examples.map(({ transactionId, sequence, text, probability }) => [
    html`<code>${transactionId}</code>`,
    count.format(sequence),
    text,
    percent(probability),
  ]),
  [1, 3],
)}`
}`
}

const segments = (score: ScoreDrift, others: readonly ScoreDrift[]): Html => html`<h2>Scores</h2>
${table(
  ['Rows of', 'Severity', 'Rows', 'Share of alerts', 'Usual', 'Chart', 'What happened'],
  [score, ...others].map((drift) => [
    drift.segment ?? 'all',
    severityBadge(drift.severity),
    count.format(drift.rows),
    percent(drift.alertRate),
    percent(drift.usualAlertRate),
    charted(drift.chart),
    drift.chart?.isBeyond === true ? drift.direction : '',
  ]),
  [2, 3, 4, 5],
)}`

const featureTable = (features: readonly FeatureDrift[]): Html =>
  table(
    [
      'Feature',
      'Severity',
      'Chart',
      'Series',
      'Shift',
      'PSI',
      'Share ratio',
      'Since training',
      'p',
      'p, adjusted',
    ],
    [...features]
      .sort((a, b) => distance(b.chart) - distance(a.chart))
      .map(({ feature, severity, chart, effect, sinceTraining, tests }) => [
        html`<code>${feature}</code>`,
        severityBadge(severity),
        charted(chart),
        chart?.series ?? '',
        number(effect.shift),
        number(effect.stability),
        number(effect.ratio),
        number(sinceTraining.shift),
        small(tests.pValue),
        small(tests.adjustedPValue),
      ]),
    [2, 4, 5, 6, 7, 8, 9],
  )

const looksTable = ({ looks }: MonitorReport): Html =>
  table(
    ['Day', 'Severity', 'Rows', 'Furthest', 'Limit', 'What was found'],
    looks.map(({ date, severity, rows, statistic, limit, reasons }) => [
      date,
      severityBadge(severity),
      count.format(rows),
      number(statistic),
      number(limit),
      reasons.join(' '),
    ]),
    [2, 3, 4],
  )

const leftOut = ({ left, unfinished }: MonitorReport): string =>
  [
    ...(unfinished === null
      ? []
      : [`${unfinished.date} may not be over: its ${count.format(unfinished.rows)} rows are not looked at.`]),
    ...(left.tooOld === 0
      ? []
      : [`${count.format(left.tooOld)} decisions on transactions of too long ago are in no day.`]),
    ...(left.unreadable === 0
      ? []
      : [
          `${count.format(left.unreadable)} decisions by models without all features of this one are left out.`,
        ]),
  ].join(' ')

const distance = (chart: ChartVerdict | undefined): number => Math.abs(chart?.z ?? 0)

const charted = (chart: ChartVerdict | undefined): string => (chart === undefined ? '' : chart.z.toFixed(1))

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '')

const small = (value: number): string =>
  Number.isNaN(value) ? '' : value < 0.001 ? 'under .001' : value.toFixed(3)
