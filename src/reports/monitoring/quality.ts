import { faultInWords } from '../../monitoring/fault-in-words.ts'
import type { QualitySection } from '../../monitoring/quality-section.ts'
import { EFFECTS } from '../../quality/data-fault.ts'
import { type Html, html, table } from '../page.ts'
import { count, severityBadge } from './figures.ts'

/** Whether what came in was whole, as a part of the page. */
export const qualityPart = ({
  basis,
  days,
  severity,
  historyDays,
  blockedDays,
  notes,
}: QualitySection): Html => {
  const faults = days.flatMap(({ date, faults: of }) => of.map((fault) => ({ date, fault })))
  return html`<h2>Data: ${severityBadge(severity)}</h2>
<p class="quiet">${
    basis === 'short'
      ? ''
      : `Fields as they came, before cleaning, against ${count.format(historyDays)} days before without faults. `
  }${notes.join(' ')}</p>
${blockedDays.length === 0 ? html`` : html`<p><b>Do not retrain on ${blockedDays.join(', ')}.</b> A model that learns a fault is worse than the one that decides.</p>`}
${
  faults.length === 0
    ? html`<p>${basis === 'short' ? 'Nothing is judged yet.' : 'No fault was found.'}</p>`
    : table(
        ['Day', 'What is broken', 'Effect', 'What it measures', 'What to do'],
        faults
          .toReversed()
          .map(({ date, fault }) => [
            date,
            faultInWords(fault),
            Number(fault.effect.toPrecision(3)).toString(),
            EFFECTS[fault.kind],
            fault.whatToDo,
          ]),
        [2],
      )
}`
}
