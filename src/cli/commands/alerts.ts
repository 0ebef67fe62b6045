import type { AlertCenter } from '../../alerts/alert-center.ts'
import type { SentMessage } from '../../alerts/deliver-messages.ts'
import type { OpenAlerts, OpenedAlerts } from '../../alerts/open-alerts.ts'
import { HEARTBEAT } from '../../alerts/report-channels.ts'
import { MOMENT_TEXT, readMoment } from '../../alerts/silence-times.ts'
import { testChannels } from '../../alerts/test-channels.ts'
import type { AlertsSettings } from '../../config/sections/alerts.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { onOneLine } from '../plain-table.ts'
import { ACTION_NAMES, alertsInvalid, assertWords } from './alert-actions.ts'
import { historyOf, listOf } from './alert-lists.ts'
import { print } from './state-action.ts'

/** What the command needs of the composition root. */
export interface AlertsTools {
  readonly openAlerts: OpenAlerts
  readonly world: Pick<World, 'now' | 'newId'>
}

/** `vigia alerts`: who is told of what, and that they are. */
export const alertsCommand = (tools: AlertsTools): Command => ({
  name: 'alerts',
  summary: 'try the channels of alerts, list alerts, acknowledge, silence and forget them',
  description:
    'test sends a marked message through each channel (or --channel), and its end, and says what became of them; a channel that its receiver had switched off is switched on when it takes the test. Exit code 1: one did not arrive, or has no secret. list shows every alert, what waits to be sent, what could not be, silences and looks. acknowledge KEY: somebody has taken it on, so no reminders until it gets worse. silence KEY --until END --reason WHY: nothing is sent of it until then but its end; unsilence KEY ends that. plan --from BEGIN --until END --reason WHY silences ahead what fits --model, --kind and --segment; cancel ID ends that. forget KEY, or forget --model NAME, removes what nobody needs any more. deliver sends what waits, once, where no server does. history [KEY] says who did what. Servers that run see all of it at once.',
  arguments: [
    { name: '<action>', description: 'what to do', choices: ACTION_NAMES },
    {
      name: '[key]',
      description:
        'the alert, as list calls it: vigia/<model>/<kind>/<segment>; for cancel the id of a silence',
    },
  ],
  options: [
    { flags: '--channel <name>', description: 'for test: only this one' },
    {
      flags: '--from <begin>',
      description: 'for plan: a duration from now (2h) or a time (2026-12-01T08:00:00Z); otherwise now',
    },
    {
      flags: '--until <end>',
      description:
        'for silence and plan: a duration from now, or from --from (8h), or a time (2026-12-01T08:00:00Z)',
    },
    { flags: '--reason <why>', description: 'for silence and plan: why, for whoever asks later' },
    {
      flags: '--model <pattern>',
      description: 'for plan: models, * for any text; otherwise all. For forget: the model by its name',
    },
    { flags: '--kind <pattern>', description: 'for plan: kinds of alerts, * for any text; otherwise all' },
    {
      flags: '--segment <pattern>',
      description:
        'for plan: segments, * for any text, all for that of all transactions; otherwise all of them',
    },
    { flags: '--by <person>', description: 'who asks; otherwise USER of the environment' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia alerts test', explanation: 'Whether every channel works.' },
    { command: 'vigia alerts list', explanation: 'What fires, and since when.' },
    {
      command: 'vigia alerts silence vigia/fraud-detector/drift/all --until 8h --reason "new card product"',
      explanation: 'Nobody wants to hear of it tonight.',
    },
    {
      command:
        'vigia alerts plan --model "fraud-*" --from 2026-12-01T22:00:00Z --until 4h --reason "core banking migration"',
      explanation: 'Nobody wants to hear of what will fire then.',
    },
    { command: 'vigia alerts forget --model fraud-2024', explanation: 'The model is retired.' },
  ],
  run: async (context, input) => {
    assertWords(input)
    const { settings } = await readServingConfig(context, input)
    const opened = await tools.openAlerts(only(settings.alerts, input), context.environment)
    try {
      return await act({ context, input, tools, ...opened })
    } finally {
      await opened.center.close()
    }
  },
})

interface Asked extends OpenedAlerts {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly tools: AlertsTools
}

/** With --channel no other channel is opened: its secret may be missing here. */
const only = (alerts: AlertsSettings, { arguments: [action], options }: CommandInput): AlertsSettings => {
  const { every } = alerts.heartbeat
  // What is only looked up needs no channel, and no secret.
  if (action === 'list' || action === 'history')
    return { ...alerts, channels: {}, routes: [], heartbeat: { every } }
  const name = options['channel']
  if (name === undefined) return alerts
  const channel = Object.entries(alerts.channels).find(([each]) => each === name)
  if (channel !== undefined)
    return { ...alerts, channels: Object.fromEntries([channel]), routes: [], heartbeat: { every } }
  const known = Object.keys(alerts.channels).join(', ') || 'none'
  throw new VigiaError('ALERT_CHANNEL_UNKNOWN', { name: String(name), known })
}

const act = async (asked: Asked): Promise<ExitCode> => {
  const { context, center } = asked
  const [action] = asked.input.arguments
  switch (action) {
    case 'test':
      return test(asked)
    case 'list': {
      const { json, lines } = listOf(await center.book(), asked.tools.world.now())
      print(context, json, lines)
      return 0
    }
    case 'history': {
      const { json, lines } = historyOf(await center.book(), asked.input.arguments[1])
      print(context, json, lines)
      return 0
    }
    case 'deliver':
      await center.passTime()
      return told(asked, 'nothing waits that is due', await center.deliver())
    default: {
      const done = await change(asked)
      return told(asked, done, await deliverNow(center))
    }
  }
}

const test = async ({ context, input, tools, center, channels, broken }: Asked): Promise<ExitCode> => {
  const tested = await testChannels(channels, tools.world)
  const person = personOf(context, input)
  for (const { channel, isDelivered } of tested) if (isDelivered) await center.enable(channel, person)
  const heartbeat = broken.get(HEARTBEAT)
  const results = [
    ...tested,
    // One that has its address is not sent to: who listens would take this for a server that lives.
    ...(heartbeat === undefined ? [] : [{ channel: HEARTBEAT, isDelivered: false, detail: heartbeat }]),
  ]
  const lines = results.map(
    ({ channel, isDelivered, detail }) =>
      `${isDelivered ? 'delivered' : 'FAILED'}  ${channel}${detail === '' ? '' : `: ${onOneLine(detail, 400)}`}`,
  )
  const none = 'No channel is configured (alerts.channels): nobody would be told of an alert.'
  print(context, { channels: results }, lines.length === 0 ? [none] : lines)
  return results.length > 0 && results.every(({ isDelivered }) => isDelivered) ? 0 : 1
}

/** What changes an alert or a silence. @returns what was done */
const change = async ({ context, input, tools, center }: Asked): Promise<string> => {
  const [action = '', key = ''] = input.arguments
  const { options } = input
  const person = personOf(context, input)
  const nowMs = tools.world.now()
  switch (action) {
    case 'acknowledge':
      await center.acknowledge(key, person)
      return `acknowledged ${key} by ${person.by}`
    case 'silence': {
      const untilMs = momentOf(input, 'until', nowMs)
      await center.silence(key, { untilMs, reason: String(options['reason'] ?? ''), ...person })
      return `silenced ${key} until ${new Date(untilMs).toISOString()} by ${person.by}`
    }
    case 'unsilence':
      await center.unsilence(key, person)
      return `the silence of ${key} is over`
    case 'plan': {
      const fromMs = options['from'] === undefined ? nowMs : momentOf(input, 'from', nowMs)
      const untilMs = momentOf(input, 'until', fromMs)
      const [model, kind, segment] = (['model', 'kind', 'segment'] as const).map((name) =>
        String(options[name] ?? '*'),
      ) as [string, string, string]
      const id = tools.world.newId().slice(0, 8)
      const reason = String(options['reason'] ?? '')
      await center.plan({ id, model, kind, segment, fromMs, untilMs, reason, ...person })
      return `planned silence ${id} of vigia/${model}/${kind}/${segment} from ${new Date(fromMs).toISOString()} until ${new Date(untilMs).toISOString()} by ${person.by}`
    }
    case 'cancel':
      await center.cancel(key, person)
      return `the planned silence ${key} is cancelled`
    default: {
      const { model } = options
      await center.forget(typeof model === 'string' ? { model } : { key }, person)
      return `forgot ${typeof model === 'string' ? `everything of the model ${model}` : key}`
    }
  }
}

const deliverNow = async (center: AlertCenter): Promise<readonly SentMessage[]> => {
  await center.passTime()
  return center.deliver()
}

const told = async (
  { context, center, broken }: Asked,
  done: string,
  sent: readonly SentMessage[],
): Promise<ExitCode> => {
  const lines = sent.map(
    ({ channel, key, reason, delivery }) =>
      `${delivery.kind.padEnd(10)} ${reason} of ${key} to ${channel}${'reason' in delivery ? `: ${onOneLine(delivery.reason, 400)}` : ''}`,
  )
  const waitingFor = new Set([...(await center.book()).outbox.values()].map(({ channel }) => channel))
  const waiting = [...broken].flatMap(([channel, reason]) =>
    waitingFor.has(channel) ? [{ channel, reason }] : [],
  )
  const notes = waiting.map(
    ({ channel, reason }) => `waiting    for ${channel}, which cannot be sent through here: ${reason}`,
  )
  print(context, { done, sent, waiting }, [done, ...lines, ...notes])
  return sent.every(({ delivery }) => delivery.kind === 'delivered') ? 0 : 1
}

const personOf = ({ environment }: CommandContext, { options }: CommandInput) => ({
  by: String(options['by'] ?? (environment['USER'] || environment['LOGNAME'] || 'somebody')),
})

const momentOf = ({ arguments: [action], options }: CommandInput, name: 'from' | 'until', fromMs: number) => {
  const text = options[name]
  if (typeof text !== 'string') throw alertsInvalid(`${action} needs --${name}, such as 8h; got nothing`)
  const ms = readMoment(text, fromMs)
  if (Number.isNaN(ms)) throw alertsInvalid(`--${name} is ${MOMENT_TEXT}; got "${text}"`)
  return ms
}
