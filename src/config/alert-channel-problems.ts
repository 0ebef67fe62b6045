import type { AlertChannelSettings, AlertsSettings } from './sections/alerts.ts'

type ChannelKind = AlertChannelSettings['kind']
type ChannelSetting = Exclude<keyof AlertChannelSettings, 'kind'>

/** What each kind of channel must have, and may have beside it. `secret`: one of the two ways to give it. */
const NEEDS: Readonly<
  Record<
    ChannelKind,
    {
      readonly needs: readonly (ChannelSetting | 'secret')[]
      readonly may: readonly (ChannelSetting | 'secret')[]
    }
  >
> = {
  slack_webhook: { needs: ['secret'], may: [] },
  slack_bot: { needs: ['secret', 'room'], may: ['url'] },
  pagerduty: { needs: ['secret'], may: ['url'] },
  alertmanager: { needs: ['url'], may: ['secret', 'refresh'] },
  email: { needs: ['host', 'from', 'to'], may: ['secret', 'user', 'port', 'tls'] },
  teams: { needs: ['secret'], may: [] },
  webhook: { needs: ['secret', 'url'], may: ['allowed_hosts'] },
}

const SECRETS = ['secret_variable', 'secret_file'] as const

/** What settings of alerts may not be together: a sentence for each. */
export const alertProblems = (
  alerts: AlertsSettings,
  originOf: (name: string) => string,
): readonly string[] => [
  ...Object.entries(alerts.channels).flatMap(([name, channel]) =>
    channelProblems(channel).map(
      (problem) => `${originOf(`alerts.channels.${name}`)} alerts.channels.${name}${problem}`,
    ),
  ),
  ...routeProblems(alerts, originOf),
  ...confirmProblems(alerts, originOf),
  ...inhibitProblems(alerts, originOf),
]

/** Kinds that hold back themselves, directly or in a circle, would never be told. */
const inhibitProblems = (
  { inhibit }: AlertsSettings,
  originOf: (name: string) => string,
): readonly string[] => {
  const reaches = (from: string, to: string, passed: ReadonlySet<string> = new Set()): boolean =>
    (inhibit[from] ?? []).some(
      (kind) => kind === to || (!passed.has(kind) && reaches(kind, to, new Set([...passed, kind]))),
    )
  return Object.keys(inhibit)
    .filter((kind) => reaches(kind, kind))
    .map(
      (kind) =>
        `${originOf('alerts.inhibit')} alerts.inhibit: ${kind} would hold back itself, so that nobody is told of it. Allowed: kinds that hold back others, without a circle.`,
    )
}

const channelProblems = (channel: AlertChannelSettings): readonly string[] => {
  const { kind, user } = channel
  const { needs, may } = NEEDS[kind]
  const given = Object.keys(channel).filter((key): key is ChannelSetting => key !== 'kind')
  const secrets = SECRETS.filter((key) => channel[key] !== undefined)
  const allowed = [...needs, ...may].flatMap((key) => (key === 'secret' ? SECRETS : [key]))
  const missing = needs.filter((key) =>
    key === 'secret' ? secrets.length === 0 : channel[key] === undefined,
  )
  return [
    ...missing.map((key) => `: ${kind} needs ${key === 'secret' ? SECRETS.join(' or ') : key}; got nothing.`),
    ...given
      .filter((key) => !allowed.includes(key))
      .map((key) => `.${key}: no setting of ${kind}. Allowed here: ${allowed.join(', ')}.`),
    ...(secrets.length > 1 ? [`: allowed: one of ${SECRETS.join(' and ')}; got both.`] : []),
    ...(user !== undefined && secrets.length === 0
      ? [`.user: needs the password: ${SECRETS.join(' or ')}; got nothing.`]
      : []),
    ...(user === undefined && kind === 'email' && secrets.length > 0
      ? ['.user: missing. A password without a user logs nobody in.']
      : []),
  ]
}

const routeProblems = (
  { routes, channels }: AlertsSettings,
  originOf: (name: string) => string,
): readonly string[] => {
  const known = Object.keys(channels)
  return routes.flatMap((route, place) =>
    route.channels
      .filter((name) => !known.includes(name))
      .map(
        (name) =>
          `${originOf('alerts.routes')} alerts.routes.${place}.channels: allowed: names of alerts.channels (${known.join(', ') || 'there are none'}); got "${name}".`,
      ),
  )
}

const confirmProblems = (
  { confirm }: AlertsSettings,
  originOf: (name: string) => string,
): readonly string[] =>
  (['moderate', 'severe', 'critical'] as const).flatMap((severity) => {
    const { looks, of } = confirm[severity]
    const name = `alerts.confirm.${severity}.looks`
    return looks <= of
      ? []
      : [
          `${originOf(name)} ${name}: allowed: at most alerts.confirm.${severity}.of, which is ${of}; got ${looks}.`,
        ]
  })
