import { evidenceText } from '../../monitoring/evidence-text.ts'
import type {
  PerformanceSection,
  ReportedCohort,
  WatchSection,
} from '../../monitoring/performance-section.ts'
import type { CohortFigure } from '../../performance/cohorts.ts'
import type { Estimate } from '../../performance/estimate.ts'
import type { MoneyFigures } from '../../performance/money-figures.ts'
import { details, type Html, html, table } from '../page.ts'
import { count, figures, percent, severityBadge } from './figures.ts'
import { calibrationChart, cohortCharts, watchCharts } from './performance-charts.ts'

/** How good the decisions were, as a part of the page. */
export const performancePart = async (performance: PerformanceSection | null): Promise<Html> => {
  if (performance === null) return html`<h2>Performance</h2><p>No day of decisions is over.</p>`
  const { asOf, labels, severity, reasons, notes, weeks, days, mature, watches } = performance
  const told = labels.alert.labels + labels.customer.labels + labels.sample.labels
  const head = html`<h2>Performance, as known before ${asOf}: ${severityBadge(severity)}</h2>
${reasons.length === 0 ? html`` : html`<ul>${[...reasons.slice(0, MOST_REASONS), ...more(reasons)].map((reason) => html`<li>${reason}</li>`)}</ul>`}
<ul class="plain quiet">${notes.map((note) => html`<li>${note}</li>`)}</ul>`
  if (told + labels.toldGenuine === 0) return head
  const drawings = [
    ...watchCharts(performance),
    ...cohortCharts(performance),
    ...calibrationChart(performance),
  ]
  return html`${head}
<div class="charts">${await figures(drawings)}</div>
<h3>What was decided, and what became of it</h3>
${cohortTable(weeks)}
${details('The latest days', cohortTable(days))}
${mature === null ? html`` : moneyTable(mature)}
<h3>Tests that may be looked at every day</h3>
${watchTable(watches)}
<h3>Labels by who told them</h3>
${originTable(labels)}
${withoutLabels(performance)}`
}

/** Of all decisions as a rule: those of segments stand in the table below. */
const MOST_REASONS = 4

const more = ({ length }: readonly string[]): readonly string[] =>
  length > MOST_REASONS ? [`and ${length - MOST_REASONS} more, in the table of tests`] : []

const cohortTable = (cohorts: readonly ReportedCohort[]): Html =>
  table(
    [
      'Decided',
      'Rows',
      'Alerts',
      'Known of missed frauds',
      'Frauds known',
      'Frauds to be',
      'Recall known',
      'Recall to be',
      'Precision known',
      'Average precision to be',
    ],
    cohorts.toReversed().map(({ from, to, rows, flagged, knownShare, observed, projected }) => {
      const toBe = (figure: CohortFigure, tell: (value: number) => string): Html | string =>
        projected === null ? '' : estimated(projected[figure], tell)
      return [
        from === to ? from : `${from} to ${to}`,
        count.format(rows),
        count.format(flagged),
        percentOrNothing(knownShare.missed),
        count.format(observed.frauds),
        toBe('frauds', (value) => count.format(value)),
        percentOrNothing(observed.recall),
        toBe('recall', percent),
        percentOrNothing(observed.precision),
        toBe('averagePrecision', percent),
      ]
    }),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  )

const estimated = ({ value, low, high }: Estimate, tell: (value: number) => string): Html | string =>
  Number.isFinite(value) ? html`${tell(value)}<small>${tell(low)} to ${tell(high)}</small>` : ''

const percentOrNothing = (share: number): string => (Number.isFinite(share) ? percent(share) : '')

const moneyTable = ({
  from,
  to,
  currency,
  figures: { all, segments },
}: NonNullable<PerformanceSection['mature']>): Html =>
  html`<h3>In money, ${from} to ${to}</h3>
<p class="quiet">Mature decisions; one of which nobody told is genuine. Values are of ${currency ?? 'the amounts as they are'} alone.</p>
${table(
  [
    'Rows of',
    'Rows',
    'Frauds',
    'Value detection rate',
    'Recall as seen',
    'Alert precision',
    'Insult rate',
    'Review rate',
    'Honest for a fraud',
    'Fraud, basis points',
  ],
  [['all', all] as const, ...Object.entries(segments)].map(([name, figuresOf]) => moneyRow(name, figuresOf)),
  [1, 2, 3, 4, 5, 6, 7, 8, 9],
)}`

const moneyRow = (name: string, figuresOf: MoneyFigures): readonly (Html | string)[] => [
  name === '' ? 'without a type' : name,
  count.format(figuresOf.rows),
  count.format(figuresOf.frauds),
  percentOrNothing(figuresOf.valueDetectionRate),
  estimated(figuresOf.transactionDetectionRate, percent),
  estimated(figuresOf.alertPrecision, percent),
  estimated(figuresOf.insultRate, percent),
  estimated(figuresOf.reviewRate, percent),
  Number.isFinite(figuresOf.falsePositiveRatio) ? figuresOf.falsePositiveRatio.toFixed(1) : '',
  Number.isFinite(figuresOf.fraudBasisPoints) ? figuresOf.fraudBasisPoints.toFixed(2) : '',
]

const watchTable = (watches: readonly WatchSection[]): Html =>
  table(
    [
      'Rows of',
      'Severity',
      'Evidence',
      'Alarm from',
      'Rate',
      'Usual',
      'Last seven days',
      'CUSUM of its limit',
    ],
    watches.flatMap(({ segment, status, severity, evidence, limit, rates }) => {
      const head = [segment === '' ? 'all' : segment, severityBadge(severity)] as const
      if (status !== 'watched')
        return [[...head, status === 'learning' ? 'still learning' : 'too little', '', '', '', '', '']]
      return rates.map(({ title, usual, recent, recentFrauds, recentRows, cusum }) => [
        ...head,
        evidenceText(evidence),
        count.format(limit),
        title,
        usual.value.toFixed(3),
        recentRows === 0
          ? ''
          : `${count.format(recentFrauds)} of ${count.format(recentRows)}, ${recent.toFixed(2)} of what is usual`,
        `${(100 * cusum).toFixed(0)} %`,
      ])
    }),
    [2, 3, 5, 6, 7],
  )

const originTable = (labels: PerformanceSection['labels']): Html =>
  table(
    ['Told by', 'Labels', 'Frauds', 'Of flagged', 'Median days'],
    (
      [
        ['reviewers of alerts', labels.alert],
        ['customers', labels.customer],
        ['audit sample', labels.sample],
      ] as const
    ).map(([name, of]) => [
      name,
      count.format(of.labels),
      count.format(of.frauds),
      count.format(of.flagged),
      Number.isFinite(of.medianDelayDays) ? of.medianDelayDays.toFixed(1) : '',
    ]),
    [1, 2, 3, 4],
  )

/** Never without its caveat. */
const withoutLabels = ({ expected }: PerformanceSection): Html =>
  html`<h3>Without labels</h3>
<p>Scores of the last seven days announce ${count.format(expected.frauds)} frauds, a precision of ${percent(expected.precision)} and a recall of ${percent(expected.recall)}. <b>${expected.caveat}</b></p>`
