import { escapeHtml, type Html, html, markupOf, trusted } from '../foundation/html.ts'
import { PAGE_COLORS } from '../foundation/page-colors.ts'

export { type Html, html, trusted } from '../foundation/html.ts'

/** A chart with its caption, and below the caption how to read it where that is not plain. */
export const figure = (caption: string, svg: string, reading = ''): Html =>
  html`<figure><figcaption>${caption}${reading === '' ? null : html`<span class="quiet">${reading}</span>`}</figcaption>${trusted(svg)}</figure>`

/** A part that the reader opens; printed open. */
export const details = (summary: string, body: Html): Html =>
  html`<details><summary>${summary}</summary>${body}</details>`

/**
 * A figure with a bar below it, `share` of the width of the cell; outside [0, 1] the bar ends at the edge.
 */
export const barred = (text: string, share: number): Html =>
  html`${text}<span class="bar"><i style="width:${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%"></i></span>`

/**
 * A table that scrolls sideways where the screen is narrow. `numeric` columns (from 0) are set to the right.
 */
export const table = (
  headers: readonly string[],
  rows: readonly (readonly (Html | string)[])[],
  numeric: readonly number[] = [],
): Html => {
  const cell = (name: 'td' | 'th', content: Html | string, index: number) =>
    trusted(`<${name}${numeric.includes(index) ? ' class="number"' : ''}>${markupOf(content)}</${name}>`)
  return html`<div class="scroll"><table><thead><tr>${headers.map((header, index) => cell('th', header, index))}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map((content, index) => cell('td', content, index))}</tr>`)}</tbody></table></div>`
}

/**
 * A whole page that needs nothing else: styles inside, no script, no request. It follows the reader's choice
 * of light and dark, and prints.
 */
export const page = (title: string, body: Html): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.markup}
</main>
</body>
</html>
`

const STYLE = `
${PAGE_COLORS}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 36px 0 12px; }
p { margin: 0 0 12px; }
.quiet { color: var(--quiet); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.tile b.words { font-size: 15px; line-height: 33px; }
.meaning { display: block; min-width: 240px; }
.tile small, td small { color: var(--quiet); font-size: 12px; overflow-wrap: anywhere; }
.tile small, .number small { white-space: nowrap; }
td small { display: block; }
h3 { font-size: 15px; margin: 20px 0 8px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 12px 0 16px; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
ul.plain { list-style: none; margin: 0 0 12px; padding: 0; }
ul.reasons { margin-top: 10px; }
ul.plain li { margin: 0 0 6px; overflow-wrap: anywhere; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 8px 0; padding: 8px 14px; }
summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
details .scroll { border: 0; border-radius: 0; }
details p { margin: 8px 0; }
.bar { display: block; height: 5px; width: 64px; margin: 3px 0 0 auto; background: var(--line); border-radius: 3px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); print-color-adjust: exact; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px; min-width: 0; break-inside: avoid; }
figure:last-child:nth-child(odd):not(:first-child) { grid-column: 1 / -1; }
figcaption { font-weight: 600; margin-bottom: 8px; }
figcaption .quiet { display: block; font-weight: normal; font-size: 13px; }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.badge { display: inline-block; background: var(--line); border-radius: 999px; padding: 1px 10px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); background: var(--good-back); }
.warn { color: var(--warn); background: var(--warn-back); }
.bad { color: var(--alert); background: var(--alert-back); }
@media (max-width: 560px) {
  main { padding: 20px 12px 40px; }
  th, td { padding: 7px 6px; }
  table { font-size: 13px; }
  th { white-space: normal; }
  .number small { font-size: 11px; }
}
@media print {
  :root { --page: #fff; --card: #fff; --text: #000; --quiet: #444; --line: #ccc; --accent: #2f6fde; --alert: #b00020;
    --warn: #7a4e00; --good: #14603b; --alert-back: #fdecec; --warn-back: #fdf3dc; --good-back: #e5f5ec; }
  main { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 11px; }
  th, .number { white-space: normal; }
  td small, .badge { font-size: 10px; }
  .bar { width: 48px; }
  .charts { grid-template-columns: 1fr 1fr; }
  th, td { padding: 4px 6px; }
  h2, h3 { break-after: avoid; }
  tr, .tile { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`
