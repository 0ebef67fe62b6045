import { PAGE_COLORS } from '../../foundation/page-colors.ts'

/**
 * The page about alerts without what it tells: that is fetched by its script with the reader's key, since a
 * browser sends no key when it opens a page. Addresses are relative, so that it works below a path of a
 * proxy.
 */
export const SHELL = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Alerts · Vigía</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page/style.css">
<script type="module" src="page/client.js"></script>
</head>
<body>
<a class="skip" href="#content">To the alerts</a>
<header>
<h1>Alerts</h1>
<div class="tools">
<label>Your name <input id="person" autocomplete="name" maxlength="100"></label>
<label class="check"><input id="auto" type="checkbox" checked> every half minute</label>
<button type="button" id="refresh">Refresh</button>
</div>
</header>
<p id="status" role="status" tabindex="-1"></p>
<form id="key-form" hidden>
<h2>An API key is asked for</h2>
<p class="quiet">It needs the scope read, and admin to acknowledge and silence. This tab keeps it until it is closed.</p>
<label>API key <input id="key" type="password" autocomplete="off" required></label>
<button>Open</button>
</form>
<noscript><p>This page needs JavaScript. <code>vigia alerts list</code> says the same.</p></noscript>
<main id="content" tabindex="-1"></main>
</body>
</html>
`

export const STYLE = `${PAGE_COLORS}
:root { --edge: #868a92; }
@media (prefers-color-scheme: dark) { :root { --edge: #7d848c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 20px 20px 64px; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; justify-content: space-between; }
h1 { font-size: 26px; margin: 0; }
h2 { font-size: 20px; margin: 32px 0 10px; }
h3 { font-size: 16px; margin: 0 0 4px; }
p { margin: 0 0 8px; }
.tools, .acts, .fields { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: end; }
.tools { align-items: center; }
.acts { align-items: start; margin-top: 10px; }
.acts > details { flex: 0 1 auto; }
.acts > details[open] { flex: 1 1 100%; }
.quiet { color: var(--quiet); font-size: 14px; }
article, details, .scroll, #key-form { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
article, #key-form { padding: 14px 16px; margin: 0 0 12px; }
article.critical, article.severe { border-left: 5px solid var(--alert); }
article.moderate { border-left: 5px solid var(--warn); }
details { padding: 4px 12px; margin: 0 0 8px; }
summary { cursor: pointer; font-weight: 600; min-height: 28px; }
details > form, details > ul { margin: 8px 0; }
label { display: inline-flex; flex-direction: column; font-size: 14px; max-width: 100%; }
label.check { flex-direction: row; gap: 6px; align-items: center; min-height: 28px; }
input, select, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--edge); border-radius: 6px; min-height: 34px; padding: 3px 10px; max-width: 100%; }
input[type='checkbox'] { min-height: 20px; width: 20px; }
input[name='reason'] { width: 34ch; }
button { cursor: pointer; font-weight: 600; }
button:disabled { cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; }
#status:not(:empty) { margin: 12px 0; padding: 8px 12px; border-radius: 6px; background: var(--good-back); color: var(--good); }
#status.bad { background: var(--alert-back); color: var(--alert); }
.badge { border-radius: 999px; padding: 1px 10px; font-size: 14px; font-weight: 600; background: var(--line); white-space: nowrap; }
.good { color: var(--good); background: var(--good-back); }
.warn { color: var(--warn); background: var(--warn-back); }
.bad { color: var(--alert); background: var(--alert-back); }
code { font: 14px/1.4 ui-monospace, monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 680px; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 7px 10px; border-bottom: 1px solid var(--line); }
th, td { overflow-wrap: break-word; }
td code { display: inline-block; min-width: 16ch; overflow-wrap: anywhere; }
td form { min-width: 12ch; }
th { color: var(--quiet); white-space: nowrap; }
time { white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
[hidden] { display: none; }
@media (max-width: 560px) {
  body { padding: 12px 12px 40px; }
  .fields > label, .fields input, .fields select { width: 100%; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print { .acts, .tools, form { display: none; } }
`
