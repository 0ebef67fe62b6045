import { sha256 } from '../../foundation/hash.ts'
import { type Html, html } from '../../foundation/html.ts'
import type { AlertAnswer, AlertsAnswer, historyAnswer } from '../alert-answers.ts'
import { actButton, endFields, hiddenOf, tableOf, timeOf } from './page-parts.ts'

type History = ReturnType<typeof historyAnswer>['records']

/** What the page about alerts tells, as HTML that is put into it. */
export const renderAlerts = (answer: AlertsAnswer, history: History): string => {
  const firing = answer.alerts.filter(({ severity }) => severity !== null)
  const others = answer.alerts.filter(({ severity }) => severity === null)
  return html`<p class="quiet">As of ${timeOf(answer.at)}. ${summaryOf(firing)}</p>
${problemsOf(answer)}
<h2>Firing</h2>
${firing.length === 0 ? html`<p>Nothing fires.</p>` : firing.map(alertArticle)}
${others.length === 0 ? null : html`<details id="others"><summary>${others.length} more that do not fire</summary>${others.map(alertArticle)}</details>`}
<h2>Silences</h2>
${silencesOf(answer)}
<h2>Waiting to be sent</h2>
${waitingOf(answer)}
<h2>Channels</h2>
${channelsOf(answer)}
<h2>Not delivered</h2>
${lettersOf(answer)}
<h2>Looks</h2>
${looksOf(answer)}
<h2>History</h2>
${historyOf(history)}
`.markup
}

const summaryOf = (firing: readonly AlertAnswer[]): string => {
  const counts = (['critical', 'severe', 'moderate'] as const).flatMap((severity) => {
    const count = firing.filter((alert) => alert.severity === severity).length
    return count === 0 ? [] : [`${count} ${severity}`]
  })
  return counts.length === 0 ? 'Nothing fires.' : `Firing: ${counts.join(', ')}.`
}

/** What keeps people from hearing of alerts, before the alerts themselves. */
const problemsOf = ({ channels, heartbeat }: AlertsAnswer): readonly Html[] => [
  ...channels
    .filter(({ state }) => state !== 'working')
    .map(
      ({ name, state, failure }) =>
        html`<p><span class="badge bad">${state === 'broken' ? 'broken' : 'switched off'}</span> Nothing is sent through ${name}: ${failure ?? ''}</p>`,
    ),
  ...(heartbeat?.broken
    ? [html`<p><span class="badge bad">broken</span> No signs of life are sent: ${heartbeat.broken}</p>`]
    : []),
]

const BADGES: Readonly<Record<string, string>> = { moderate: 'warn', severe: 'bad', critical: 'bad' }

const alertArticle = (alert: AlertAnswer): Html => {
  const { key, severity, status, summary, details, advice, since, acknowledged, silence } = alert
  const id = idOf(key)
  const of = alert.segment === '' ? 'all transactions' : alert.segment
  return html`<article class="${severity ?? ''}" aria-labelledby="${id}-title">
<h3 id="${id}-title"><span class="badge ${BADGES[severity ?? ''] ?? ''}">${severity ?? status}</span> ${alert.model}: ${alert.kind.replaceAll('_', ' ')} of ${of}</h3>
<p>${summary}</p>
<p class="quiet">${status} since ${timeOf(since)} · <code>${key}</code></p>
${acknowledged === null ? null : html`<p>Taken on by ${acknowledged.by}, ${timeOf(acknowledged.at)}.</p>`}
${silence === null ? null : html`<p>Silent until ${timeOf(silence.until)}, by ${silence.by}: ${silence.reason}${silence.planned === null ? '' : ` (planned, ${silence.planned})`}</p>`}
${advice === '' ? null : html`<p><strong>What to do:</strong> ${advice}</p>`}
${details.length === 0 ? null : html`<details id="${id}-details"><summary>What was found</summary><ul>${details.map((line) => html`<li>${line}</li>`)}</ul></details>`}
<div class="acts" role="group" aria-labelledby="${id}-title">
${severity === null || acknowledged !== null ? null : actButton('acknowledge', { key }, 'Acknowledge', `${id}-acknowledge`)}
${silence !== null && silence.planned === null ? actButton('unsilence', { key }, 'End the silence', `${id}-unsilence`) : null}
<details id="${id}-silence"><summary>Silence</summary><form data-act="silence" class="fields">${hiddenOf({ key })}${endFields(id)}<button id="${id}-send">Silence</button></form></details>
<details id="${id}-forget"><summary>Forget</summary><p class="quiet">The channels are told that it is over, and it is removed. A look that finds it again begins it anew.</p>${actButton('forget', { key }, 'Forget it', `${id}-forgotten`)}</details>
</div>
</article>
`
}

const silencesOf = ({ silences }: AlertsAnswer): Html =>
  html`${
    silences.length === 0
      ? html`<p>None is planned.</p>`
      : tableOf(
          'Planned silences',
          ['what', 'from', 'until', 'why', 'by', 'action'],
          silences.map((silence) => [
            html`<code>vigia/${silence.model}/${silence.kind}/${silence.segment}</code>${silence.is_under_way ? html` <span class="badge">now</span>` : null}`,
            timeOf(silence.from),
            timeOf(silence.until),
            silence.reason,
            silence.by,
            actButton('cancel', { id: silence.id }, `Cancel ${silence.id}`, `${idOf(silence.id)}-cancel`),
          ]),
        )
  }
<details id="plan"><summary>Plan a silence</summary><form data-act="plan" class="fields">
<p class="quiet">For a maintenance that is to come. <code>*</code> stands for any text.</p>
<label for="plan-model">Models <input id="plan-model" name="model" value="*" required></label>
<label for="plan-kind">Kinds <input id="plan-kind" name="kind" value="*" required></label>
<label for="plan-segment">Segments <input id="plan-segment" name="segment" value="*" required></label>
<label for="plan-from">From (your time; empty: now) <input id="plan-from" type="datetime-local" name="from_at"></label>
${endFields('plan')}
<button id="plan-send">Plan</button></form></details>`

const waitingOf = ({ waiting, channels, at }: AlertsAnswer): Html => {
  const broken = new Set(channels.flatMap(({ name, state }) => (state === 'broken' ? [name] : [])))
  const whyOf = ({ channel, last_failure, next_at }: (typeof waiting)[number]): string => {
    if (broken.has(channel)) return 'its channel is broken'
    return last_failure ?? (next_at > at ? 'for its time' : 'for its turn')
  }
  return waiting.length === 0
    ? html`<p>Nothing waits.</p>`
    : tableOf(
        'Messages that wait to be sent',
        ['message', 'channel', 'attempts', 'next', 'why it waits'],
        waiting.map((message) => [
          html`${message.reason} <span class="badge">${message.severity}</span><br><code>${message.key}</code>`,
          message.channel,
          String(message.attempts),
          message.is_under_way ? 'under way' : timeOf(message.next_at),
          whyOf(message),
        ]),
      )
}

const channelsOf = ({ channels, heartbeat }: AlertsAnswer): Html =>
  html`${
    channels.length === 0
      ? html`<p>None is configured: nobody is told of an alert.</p>`
      : tableOf(
          'Channels',
          ['channel', 'state', 'waiting', 'not delivered', 'last delivery', 'action'],
          channels.map(({ name, kind, state, failure, waiting, dead_letters, last_delivery_at }) => [
            html`${name}<br><span class="quiet">${kind}</span>`,
            html`<span class="badge ${state === 'working' ? 'good' : 'bad'}">${state.replaceAll('_', ' ')}</span> ${failure ?? ''}`,
            String(waiting),
            String(dead_letters),
            last_delivery_at === null ? 'none yet' : timeOf(last_delivery_at),
            state === 'switched_off'
              ? actButton('enable', { channel: name }, `Switch ${name} on`, `${idOf(name)}-enable`)
              : '',
          ]),
        )
  }
${heartbeat === null || heartbeat.broken !== null ? null : html`<p class="quiet">Last sign of life: ${heartbeat.last_at === null ? 'none yet' : timeOf(heartbeat.last_at)}.</p>`}`

const lettersOf = ({ dead_letters }: AlertsAnswer): Html =>
  dead_letters.length === 0
    ? html`<p>Everything was delivered, or waits.</p>`
    : tableOf(
        'Messages that were given up',
        ['message', 'channel', 'attempts', 'given up', 'why'],
        dead_letters.map((letter) => [
          html`${letter.reason} <span class="badge">${letter.severity}</span><br><code>${letter.key}</code>`,
          letter.channel,
          String(letter.attempts),
          timeOf(letter.at),
          letter.failure,
        ]),
      )

const looksOf = ({ looks }: AlertsAnswer): Html =>
  looks.length === 0
    ? html`<p>No look has come yet.</p>`
    : tableOf(
        'Looks at models',
        ['model', 'look', 'last', 'state'],
        looks.map(({ model, monitor, last_at, is_missed }) => [
          model,
          monitor,
          timeOf(last_at),
          html`<span class="badge ${is_missed ? 'bad' : 'good'}">${is_missed ? 'missed' : 'as expected'}</span>`,
        ]),
      )

const historyOf = (history: History): Html =>
  history.length === 0
    ? html`<p>Nothing has happened yet.</p>`
    : tableOf(
        'Who did what, the latest first',
        ['when', 'who', 'what', 'alert', 'more'],
        history.map(({ at, by, did, key, detail }) => [
          timeOf(at),
          by,
          did,
          html`<code>${key ?? ''}</code>`,
          detail ?? '',
        ]),
      )

/** The same for the same text whatever stands before it, so that the reader's place is found again. */
const idOf = (text: string): string => `a${sha256(text).slice(0, 12)}`
