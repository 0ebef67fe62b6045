import { type Static, Type } from 'typebox'
import { KEEP_PATTERN, WINDOW_PATTERN } from '../../foundation/duration.ts'

/** Severities of alerts, from the least to the worst. */
const SEVERITY = Type.Union([Type.Literal('moderate'), Type.Literal('severe'), Type.Literal('critical')])

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/** One entry of `alerts.channels`; which settings a kind needs is in `config/alert-channel-problems.ts`. */
export const AlertChannelSchema = Type.Object(
  {
    kind: Type.Union(
      [
        Type.Literal('slack_webhook'),
        Type.Literal('slack_bot'),
        Type.Literal('pagerduty'),
        Type.Literal('alertmanager'),
        Type.Literal('email'),
        Type.Literal('teams'),
        Type.Literal('webhook'),
      ],
      { description: 'What it sends to.' },
    ),
    secret_variable: text(
      'Environment variable with the secret: the address of slack_webhook and teams, the token of slack_bot, the routing key of pagerduty, the secrets of webhook (whsec_…, several with spaces between them while the receiver changes over), the password of email, the token of alertmanager.',
    ),
    secret_file: text(
      'File with the secret, in place of secret_variable; white space around it is no part of it.',
    ),
    url: text(
      'Address: of alertmanager (without /api/v2/alerts) and webhook, which have no other; of pagerduty in the EU (https://events.eu.pagerduty.com).',
    ),
    room: text('Id of the room, for slack_bot: C0123456789.'),
    allowed_hosts: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          'Hosts, as they stand in url, that a webhook may reach although they are internal addresses.',
      }),
    ),
    refresh: Type.Optional(
      Type.String({
        pattern: WINDOW_PATTERN,
        unit: 'duration',
        description:
          'How often alertmanager is told that an alert still fires; after four times as long it ends there. Default 1m, as Prometheus.',
      }),
    ),
    host: text('Mail server, for email.'),
    port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65535,
        description: 'Port of the mail server. Default 587, and 465 with tls: implicit.',
      }),
    ),
    tls: Type.Optional(
      Type.Union([Type.Literal('starttls'), Type.Literal('implicit'), Type.Literal('none')], {
        description:
          'How the connection to the mail server is kept secret. Default starttls: nothing is sent to a server without it. none is for a relay on this machine.',
      }),
    ),
    user: text('Who logs in to the mail server; the password is the secret. Left out: nobody does.'),
    from: text('Sender of e-mail: Vigía <vigia@bank.example>.'),
    to: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Recipients of e-mail.' }),
    ),
  },
  { additionalProperties: false, description: 'Where alerts are sent to.' },
)

/** One entry of `alerts.channels`, as it is written. */
export type AlertChannelSettings = Static<typeof AlertChannelSchema>

const RouteSchema = Type.Object(
  {
    severities: Type.Optional(
      Type.Array(SEVERITY, { minItems: 1, uniqueItems: true, description: 'Left out: all of them.' }),
    ),
    kinds: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'Kinds of alerts: drift, score_drift, data_quality, concept_drift, performance, retraining, monitoring, delivery. Left out: all.',
      }),
    ),
    channels: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'Names of channels.',
    }),
  },
  { additionalProperties: false },
)

const confirmation = (looks: number, of: number, why: string) =>
  Type.Object(
    {
      looks: Type.Integer({ default: looks, minimum: 1, maximum: 30, unit: 'looks', description: why }),
      of: Type.Integer({
        default: of,
        minimum: 1,
        maximum: 30,
        unit: 'looks',
        description: 'Of how many last looks.',
      }),
    },
    { default: {} },
  )

const TWICE =
  'Looks that must have seen it until it fires. Two of three: a look without drift errs in one of twenty, so this is wrong about once in a hundred looks.'

/** Who is told when a model drifts or its data break, and how. */
export const AlertsSchema = Type.Object(
  {
    path: Type.String({
      default: 'alerts',
      minLength: 1,
      description:
        'Folder of the alerts: how they stand, what waits to be sent, and who did what. On a local disk; servers and `vigia alerts` of one machine share it.',
    }),
    channels: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }), AlertChannelSchema, {
      default: {},
      description:
        'Where alerts are sent to, by a name of your choice; secrets stand in environment variables or files. None by default: alerts are kept and listed only. docs/alerts.md has an example of each kind.',
    }),
    routes: Type.Array(RouteSchema, {
      default: [],
      description:
        'Which alerts go to which channels: to those of every route that fits. None: everything goes to every channel. Whoever heard of an alert hears of its end, wherever routes lead.',
    }),
    confirm: Type.Object(
      {
        moderate: confirmation(2, 3, TWICE),
        severe: confirmation(2, 3, TWICE),
        critical: confirmation(
          1,
          1,
          'Looks that must have seen it until it fires. One: it is too large to wait for a second.',
        ),
      },
      { default: {}, description: 'When an alert fires at a severity.' },
    ),
    recovery_looks: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 30,
      unit: 'looks',
      description:
        'Looks in a row without it after which an alert is over, or eases. Three: what comes and goes is one alert, told once.',
    }),
    first_reminder: Type.String({
      default: '4h',
      pattern: WINDOW_PATTERN,
      unit: 'duration',
      description:
        'Until an alert that fires and that nobody acknowledged is told again; each pause is twice the one before. 4h, as Alertmanager has it.',
    }),
    longest_reminder: Type.String({
      default: '3d',
      pattern: WINDOW_PATTERN,
      unit: 'duration',
      description: 'Longest pause between reminders. Three days: nobody forgets it, and nobody mutes it.',
    }),
    inhibit: Type.Record(Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 })), {
      default: { data_quality: ['drift', 'score_drift'] },
      description:
        'Kinds that are held back while a kind fires for the same model. A data fault looks like drift, and is what has to be mended.',
    }),
    retry: Type.Object(
      {
        first: Type.String({
          default: '5s',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description:
            'Pause before a message is sent again; doubled each time, a random half of it left out.',
        }),
        longest: Type.String({
          default: '15m',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description: 'Longest such pause, where the receiver does not ask for a longer one.',
        }),
        give_up: Type.String({
          default: '3d',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description:
            'Age at which a message that nobody takes becomes a dead letter, and the other channels are told. Three days bridge a weekend.',
        }),
      },
      { default: {}, description: 'How often a message is sent that did not arrive.' },
    ),
    keep: Type.Object(
      {
        history: Type.String({
          default: '400d',
          pattern: KEEP_PATTERN,
          unit: 'duration',
          description:
            'For how long `vigia alerts history`, the page and the API know who did what; forever. What is older stands in history.jsonl of the folder, which nothing removes. 400 days: a year, and a month to ask about it.',
        }),
        dead_letters: Type.String({
          default: '30d',
          pattern: KEEP_PATTERN,
          unit: 'duration',
          description:
            'For how long a message that was given up is listed; forever. What is older stands in history.jsonl.',
        }),
      },
      {
        default: {},
        description:
          'For how long the journal keeps what is over. It is trimmed whenever it is written anew, about every thousand changes.',
      },
    ),
    timeout: Type.String({
      default: '20s',
      pattern: WINDOW_PATTERN,
      unit: 'duration',
      description: 'Longest wait for the answer of a receiver. Mail servers think for some seconds.',
    }),
    heartbeat: Type.Object(
      {
        secret_variable: text('Environment variable with the address that signs of life are sent to.'),
        secret_file: text('File with that address, in place of secret_variable.'),
        every: Type.String({
          default: '5m',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description: 'How often a sign of life is sent.',
        }),
      },
      {
        default: {},
        description:
          'A sign of life for a service that sounds the alarm when it hears nothing: only somebody outside notices that the whole machine is gone.',
      },
    ),
    url: Type.String({
      default: '',
      description: 'Page that messages lead to, such as https://vigia.bank.example/alerts/page. Empty: none.',
    }),
  },
  { default: {}, description: 'Who is told when a model drifts, its data break, or nobody looks.' },
)

/** Effective settings of alerts. */
export type AlertsSettings = Static<typeof AlertsSchema>
