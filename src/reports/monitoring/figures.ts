import type { DriftSeverity } from '../../drift/severity.ts'
import { renderChart } from '../chart.ts'
import { figure, type Html, html } from '../page.ts'
import type { DaysDrawing } from './charts.ts'

export const count = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export const percent = (share: number): string =>
  Number.isFinite(share) ? `${Number((share * 100).toPrecision(3))} %` : 'unknown'

export const figures = (drawings: readonly DaysDrawing[]): Promise<Html[]> =>
  Promise.all(
    drawings.map(async ({ title, reading, specification }) =>
      figure(title, await renderChart(specification, title), reading),
    ),
  )

export const severityBadge = (severity: DriftSeverity): Html =>
  html`<span class="badge ${BADGES[severity]}">${severity}</span>`

const BADGES: Readonly<Record<DriftSeverity, string>> = {
  none: 'good',
  moderate: 'warn',
  severe: 'bad',
  critical: 'bad',
}
