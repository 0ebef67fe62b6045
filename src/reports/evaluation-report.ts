import type { EvaluationReport } from '../pipelines/training/evaluation-report.ts'
import { renderChart, renderStandaloneChart } from './chart.ts'
import type { Drawing } from './evaluation/axes.ts'
import { candidatesSection } from './evaluation/candidates.ts'
import { decisionCharts } from './evaluation/decision-charts.ts'
import { headline } from './evaluation/headline.ts'
import { importanceCharts } from './evaluation/importance-charts.ts'
import { learningCharts } from './evaluation/learning-charts.ts'
import { metricsSection } from './evaluation/metrics.ts'
import { probabilityCharts } from './evaluation/probability-charts.ts'
import { rankingCharts } from './evaluation/ranking-charts.ts'
import { rowsSection, selectionSection } from './evaluation/selection-and-rows.ts'
import { slicesSection } from './evaluation/slices.ts'
import { figure, type Html, html, page } from './page.ts'

/**
 * The evaluation as one HTML page that needs nothing else. The same report is the same page, byte for byte.
 *
 * A figure that is not defined (no frauds, no rows) is told as such, a curve without points is left out.
 */
export const renderEvaluationReport = async (report: EvaluationReport): Promise<string> =>
  page(
    `Evaluation of ${report.project}`,
    html`${headline(report)}
${candidatesSection(report)}
${metricsSection(report)}
${await charts('How well it ranks', rankingCharts(report))}
${await charts('What its probabilities are worth', probabilityCharts(report))}
${await charts('What the threshold does', decisionCharts(report))}
${slicesSection(report)}
${await charts('What it looks at', importanceCharts(report))}
${await charts('How the models learnt', learningCharts(report))}
${selectionSection(report)}
${rowsSection(report)}`,
  )

/**
 * The charts of the page, each as an SVG file of its own, by name: `roc.svg`. On white, for wherever they are
 * shown.
 */
export const renderEvaluationPlots = async (
  report: EvaluationReport,
): Promise<Readonly<Record<string, string>>> => {
  const plots: Record<string, string> = {}
  const drawings = [rankingCharts, probabilityCharts, decisionCharts, importanceCharts, learningCharts]
  for (const { name, title, reading, specification } of drawings.flatMap((charts) => charts(report)))
    plots[`${name}.svg`] = await renderStandaloneChart(
      { ...specification, title: linesOf(title) },
      `${title}. ${reading}`,
    )
  return plots
}

/** A long title breaks where it explains itself. */
const linesOf = (title: string): string | readonly string[] =>
  title.length > 48 ? title.split(/(?<=:) /) : title

/** Charts below a heading; nothing where there are none. */
const charts = async (heading: string, drawings: readonly Drawing[]): Promise<Html> => {
  const figures: Html[] = []
  for (const { title, reading, specification } of drawings)
    figures.push(figure(title, await renderChart(specification, `${title}. ${reading}`), reading))
  return figures.length === 0 ? html`` : html`<h2>${heading}</h2><div class="charts">${figures}</div>`
}
