import { DAY_MS } from '../../foundation/days.ts'
import { evidenceText } from '../../monitoring/evidence-text.ts'
import type { MonitorReport } from '../../monitoring/monitor-report.ts'
import type { PerformanceSection, WatchSection } from '../../monitoring/performance-section.ts'
import { plainTable } from '../plain-table.ts'

/** Weeks that are told. */
const WEEKS = 6

/** What `vigia monitor` says on the terminal. */
export const monitorText = (report: MonitorReport, nowMs: number): string =>
  [
    ...driftLines(report),
    ...silentFor(report, nowMs),
    '',
    ...performanceLines(report.performance),
    ...qualityLines(report.quality),
    '',
    ...withBlank(report.looks.at(-1)!.reasons),
    ...report.advice,
  ]
    .map((line) => `${line}\n`)
    .join('')

const driftLines = ({ model, looks, unfinished }: MonitorReport): readonly string[] => {
  const rows = looks.map(({ date, rows: of, severity, statistic, limit, score }) => [
    date,
    String(of),
    severity,
    Number.isNaN(limit) ? '' : `${statistic.toFixed(1)} of ${limit.toFixed(1)}`,
    Number.isNaN(score.alertRate) ? '' : `${(100 * score.alertRate).toFixed(2)} %`,
  ])
  return [
    `${model.name} ${model.version}, ${looks.at(-1)!.historyDays} days of history`,
    '',
    ...plainTable([['day', 'rows', 'drift', 'furthest', 'alerts'], ...rows], { right: [1, 3, 4] }),
    ...(unfinished === null ? [] : [`${unfinished.date} may not be over: ${unfinished.rows} rows so far`]),
  ]
}

/** A server that decides on nothing has no new days: what is said of the last one says nothing of now. */
const silentFor = ({ unfinished, looks }: MonitorReport, nowMs: number): readonly string[] => {
  const latest = unfinished?.date ?? looks.at(-1)!.date
  const days = Math.floor((nowMs - Date.parse(latest)) / DAY_MS)
  return days < 2 ? [] : [`The log ends ${days} days ago, on ${latest}: of the time since it says nothing.`]
}

const performanceLines = (performance: PerformanceSection | null): readonly string[] => {
  if (performance === null) return ['performance: no day of decisions is over']
  const { asOf, labels, weeks, mature, watches, notes, severity, expected } = performance
  const told = labels.alert.labels + labels.customer.labels + labels.sample.labels
  const head = `performance, as known before ${asOf}: ${severity}`
  if (told === 0) return [head, ...notes]
  const rows = weeks
    .slice(-WEEKS)
    .map(({ from, rows: of, flagged, observed, projected }) => [
      from,
      String(of),
      String(flagged),
      share(observed.precision),
      String(observed.frauds),
      share(observed.recall),
      projected === null
        ? ''
        : `${share(projected.recall.value)} (${share(projected.recall.low)} to ${share(projected.recall.high)})`,
    ])
  const header = ['week from', 'rows', 'alerts', 'precision', 'frauds known', 'recall known', 'recall to be']
  return [
    head,
    ...plainTable([header, ...rows], { right: [1, 2, 3, 4, 5] }),
    ...(mature === null ? [] : [matureLine(mature)]),
    ...watches.flatMap(watchLines),
    `Scores of the last 7 days announce a precision of ${share(expected.precision)} and a recall of ${share(expected.recall)}. ${expected.caveat}`,
    ...notes,
  ]
}

const matureLine = ({ from, to, figures: { all } }: NonNullable<PerformanceSection['mature']>): string =>
  `${from} to ${to}, mature: value detection rate ${share(all.valueDetectionRate)}, alert precision ${share(all.alertPrecision.value)}, insult rate ${share(all.insultRate.value)}, ${all.frauds} frauds of ${all.rows}`

const watchLines = ({
  segment,
  status,
  rates,
  evidence,
  limit,
  isAlarm,
}: WatchSection): readonly string[] => {
  if (status !== 'watched') return []
  const name = segment === '' ? 'all decisions' : segment
  return [
    `${name}: evidence of a change ${evidenceText(evidence)} of ${limit}${isAlarm ? ', an alarm' : ''}`,
    ...(segment !== ''
      ? []
      : rates
          .filter(({ recentRows }) => recentRows > 0)
          .map(
            ({ title, recent, cusum }) =>
              `  ${title}: ${recent.toFixed(2)} of what is usual in the last 7 days, CUSUM ${(100 * cusum).toFixed(0)} % of its limit`,
          )),
  ]
}

const qualityLines = ({ basis, historyDays, severity, reasons, days }: MonitorReport['quality']) => [
  basis === 'short'
    ? `data: not judged, ${historyDays} days before are too few`
    : `data of ${days.at(-1)!.date}: ${severity}, against ${historyDays} days`,
  ...reasons.map((reason) => `  ${reason}`),
]

const withBlank = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : [...lines, ''])

const share = (value: number): string =>
  Number.isFinite(value) ? `${Number((100 * value).toPrecision(3))} %` : '-'
