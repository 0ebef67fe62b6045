import type { AlertCenter, SentMessage } from '../../alerts/alert-center.ts'
import type { OpenAlerts, OpenedAlerts } from '../../alerts/open-alerts.ts'
import { testChannels } from '../../alerts/test-channels.ts'
import type { AlertsSettings } from '../../config/sections/alerts.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { onOneLine } from '../plain-table.ts'
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
  summary: 'try the channels of alerts, list alerts, acknowledge and silence them',
  description:
    'test sends a marked message through each channel (or --channel), and its end, and says what became of them; a channel that its receiver had switched off is switched on when it takes the test. Exit code 1: one did not arrive. list shows every alert, what waits to be sent and what could not be. acknowledge KEY: somebody has taken it on, so no reminders until it gets worse. silence KEY --until END --reason WHY: nothing is sent of it until then but its end; unsilence KEY ends that. deliver sends what waits, once, where no server does. history [KEY] says who did what. Servers that run see all of it at once.',
  arguments: [
    {
      name: '<action>',
      description: 'what to do',
      choices: ['test', 'list', 'acknowledge', 'silence', 'unsilence', 'deliver', 'history'],
    },
    { name: '[key]', description: 'the alert, as list calls it: vigia/<model>/<kind>/<segment>' },
  ],
  options: [
    { flags: '--channel <name>', description: 'for test: only this one' },
    { flags: '--until <end>', description: 'for silence: a duration (8h) or a time (2026-12-01T08:00:00Z)' },
    { flags: '--reason <why>', description: 'for silence: why, for whoever asks later' },
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
  ],
  run: async (context, input) => {
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
  // What is only looked up needs no channel, and no secret.
  if (action === 'list' || action === 'history') return { ...alerts, channels: {}, routes: [] }
  const name = options['channel']
  if (name === undefined || action !== 'test') return alerts
  const channel = Object.entries(alerts.channels).find(([each]) => each === name)
  if (channel !== undefined) return { ...alerts, channels: Object.fromEntries([channel]), routes: [] }
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
    default:
      return change(asked)
  }
}

const test = async ({ context, input, tools, center, channels }: Asked): Promise<ExitCode> => {
  const results = await testChannels(channels, tools.world)
  const person = personOf(context, input)
  for (const { channel, isDelivered } of results) if (isDelivered) await center.enable(channel, person)
  const lines = results.map(
    ({ channel, isDelivered, detail }) =>
      `${isDelivered ? 'delivered' : 'FAILED'}  ${channel}${detail === '' ? '' : `: ${onOneLine(detail, 400)}`}`,
  )
  const none = 'No channel is configured (alerts.channels): nobody would be told of an alert.'
  print(context, { channels: results }, lines.length === 0 ? [none] : lines)
  return results.length > 0 && results.every(({ isDelivered }) => isDelivered) ? 0 : 1
}

/** What changes an alert, and what follows from it at once. */
const change = async (asked: Asked): Promise<ExitCode> => {
  const { context, input, tools, center } = asked
  const [action = '', key] = input.arguments
  if (key === undefined) throw invalid(`${action} needs the key of an alert; got none`)
  const person = personOf(context, input)
  let done: string
  if (action === 'acknowledge') {
    await center.acknowledge(key, person)
    done = `acknowledged ${key} by ${person.by}`
  } else if (action === 'silence') {
    const untilMs = endOf(input, tools.world.now())
    await center.silence(key, { untilMs, reason: String(input.options['reason'] ?? ''), ...person })
    done = `silenced ${key} until ${new Date(untilMs).toISOString()} by ${person.by}`
  } else {
    await center.unsilence(key, person)
    done = `the silence of ${key} is over`
  }
  return told(asked, done, await deliverNow(center))
}

const deliverNow = async (center: AlertCenter): Promise<readonly SentMessage[]> => {
  await center.passTime()
  return center.deliver()
}

const told = ({ context }: Asked, done: string, sent: readonly SentMessage[]): ExitCode => {
  const lines = sent.map(
    ({ channel, key, reason, delivery }) =>
      `${delivery.kind.padEnd(10)} ${reason} of ${key} to ${channel}${'reason' in delivery ? `: ${onOneLine(delivery.reason, 400)}` : ''}`,
  )
  print(context, { done, sent }, [done, ...lines])
  return sent.every(({ delivery }) => delivery.kind === 'delivered') ? 0 : 1
}

const personOf = ({ environment }: CommandContext, { options }: CommandInput) => ({
  by: String(options['by'] ?? (environment['USER'] || environment['LOGNAME'] || 'somebody')),
})

/** `8h` from now, or a time with its zone. */
const endOf = ({ options }: CommandInput, nowMs: number): number => {
  const until = options['until']
  if (typeof until !== 'string') throw invalid('silence needs --until, such as 8h; got nothing')
  if (/^\d+(d|h|m|s|ms)$/.test(until)) return nowMs + parseDuration(until)
  const endMs = /(Z|[+-]\d\d:?\d\d)$/.test(until) ? Date.parse(until) : Number.NaN
  if (Number.isNaN(endMs))
    throw invalid(
      `--until is a duration such as 8h, or a time with its zone such as 2026-12-01T08:00:00Z; got "${until}"`,
    )
  return endMs
}

const invalid = (reason: string): VigiaError =>
  new VigiaError('CLI_INVALID_ARGUMENT', { command: 'alerts', reason })
