import { type Html, html } from '../../foundation/html.ts'

/* Pieces of the page about alerts. Every text that is put into them is escaped by `html`. */

/** `<time>` of an instant as ISO text. */
export const timeOf = (instant: string): Html =>
  html`<time datetime="${instant}">${instant.replace('T', ' ').replace(/(:\d\d)\.?\d*Z$/, '$1')} UTC</time>`

/** A table that scrolls sideways, by keyboard too. */
export const tableOf = (
  label: string,
  headers: readonly string[],
  rows: readonly (readonly (Html | string)[])[],
): Html =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table><thead><tr>${headers.map((header) => html`<th scope="col">${header}</th>`)}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`

/** A button that does something about an alert, as POST /admin/alerts/<act> takes it. */
export const actButton = (
  act: string,
  values: Readonly<Record<string, string>>,
  label: string,
  id: string,
): Html => html`<form data-act="${act}">${hiddenOf(values)}<button id="${id}">${label}</button></form>`

/** Values that the reader does not choose. */
export const hiddenOf = (values: Readonly<Record<string, string>>): readonly Html[] =>
  Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)

/** When a silence ends: a duration, or a time of the reader's, to which the script adds the zone. */
export const endFields = (
  id: string,
): Html => html`<label for="${id}-until">For <select id="${id}-until" name="until">${ENDS.map(([value, text]) => html`<option value="${value}">${text}</option>`)}</select></label>
<label for="${id}-at">or until (your time) <input id="${id}-at" type="datetime-local" name="until_at"></label>
<label for="${id}-reason">Reason <input id="${id}-reason" name="reason" required maxlength="1000"></label>`

const ENDS = [
  ['1h', 'an hour'],
  ['4h', '4 hours'],
  ['8h', '8 hours'],
  ['1d', 'a day'],
  ['3d', '3 days'],
  ['7d', 'a week'],
  ['30d', '30 days'],
] as const
