import { titleWith } from '../../evaluation/figure.ts'
import { figuresIn, keyOf } from '../../evaluation/figures.ts'
import type { QualityGateResult } from '../../evaluation/gates.ts'
import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { type Html, html, table, trusted } from '../page.ts'
import { count, figureText, interval, quantity, score } from './figures.ts'

/**
 * What was chosen and why, the figures of the test rows, what to beware of, and whether the quality gates
 * were passed.
 */
export const headline = (report: EvaluationReport): Html => {
  const { model, threshold, thresholdChoice, calibrationChoice, candidates } = report
  const { test } = report.parts
  const ends = report.intervals.test
  return html`<h1>Evaluation of ${report.project}</h1>
<p class="quiet">${model.title} on ${count(test.rows)} test transactions that it has never seen, ${count(test.frauds)} of them fraud.</p>
<dl>
<dt>Chosen model</dt><dd>${model.title}, by ${model.chosenBy}${candidates.length < 2 ? '' : `, out of ${candidatesTold(report)}`}</dd>
<dt>Threshold</dt><dd>${quantity(threshold)}: a transaction is flagged when its probability is at least this (${thresholdChoice})</dd>
<dt>Calibration</dt><dd>${calibrationChoice}</dd>
</dl>
${warnings(report.warnings)}
<div class="tiles">
${figuresIn('tiles').map((figure) =>
  tile(
    titleWith(figure, report.daily),
    figureText(figure, test[keyOf(figure)]),
    interval(figure, ends[keyOf(figure)]),
  ),
)}
</div>
${gates(report.gates)}`
}

const candidatesTold = ({ candidates }: EvaluationReport): string => {
  const unavailable = candidates.filter((candidate) => candidate.unavailable !== undefined).length
  return `${candidates.length} candidates${unavailable === 0 ? '' : ` (${unavailable} unavailable)`}`
}

const tile = (label: string, value: string, ends: string): Html =>
  html`<div class="tile"><span class="quiet">${label}</span><b${trusted(value === score(null) ? ' class="words"' : '')}>${value}</b>${ends === '' ? null : html`<small>95 %: ${ends}</small>`}</div>`

const warnings = (texts: readonly string[]): Html =>
  texts.length === 0
    ? html``
    : html`<ul class="plain">${texts.map((text) => html`<li><span class="badge warn">warning</span> ${text}</li>`)}</ul>`

const gates = (results: readonly QualityGateResult[]): Html => {
  if (results.length === 0) return html`<p class="quiet">No quality gates are configured.</p>`
  const passed = results.filter((gate) => gate.passed).length
  return html`<h2>Quality gates: ${passed} of ${results.length} passed</h2>
${table(
  ['Result', 'Gate', 'Allowed', 'Got'],
  // Failures first; the order within is that of the configuration.
  [...results]
    .sort((left, right) => Number(left.passed) - Number(right.passed))
    .map(({ name, allowed, got, passed: isPassed }) => [
      isPassed
        ? html`<span class="badge good">✓ passed</span>`
        : html`<span class="badge bad">✗ failed</span>`,
      name,
      allowed,
      quantity(got),
    ]),
  [3],
)}`
}
