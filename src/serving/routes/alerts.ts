import { type Static, type TObject, Type } from 'typebox'
import type { AlertCenter } from '../../alerts/alert-center.ts'
import type { ServedAlerts } from '../../alerts/served-alerts.ts'
import { MOMENT_TEXT, readMoment } from '../../alerts/silence-times.ts'
import { type ErrorCode, VigiaError } from '../../errors.ts'
import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import { alertsAnswer, historyAnswer } from '../alert-answers.ts'
import type { App } from '../dependencies.ts'
import type { AuditEntry } from '../safety/audit.ts'
import { AlertHistoryAnswer, AlertsAnswer } from '../schemas/alerts.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description })

const key = text(1024, 'The key of the alert, as GET /alerts has it.')
const by = Type.Optional(
  text(100, 'Who asks, beside the name of the key: a person of a team that shares it.'),
)
const until = text(40, `When it ends: ${MOMENT_TEXT}.`)
const reason = text(1000, 'Why, for whoever asks later.')
const pattern = (description: string) =>
  withDefault(Type.String({ minLength: 1, maxLength: 512, default: '*', description }))

const body = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

const KeyBody = body({ key, by })
const SilenceBody = body({ key, until, reason, by })
const PlanBody = body({
  model: pattern('Models; * is any text.'),
  kind: pattern('Kinds of alerts; * is any text.'),
  segment: pattern('Segments; * is any text, all is also that of all transactions.'),
  from: Type.Optional(text(40, `When it begins: ${MOMENT_TEXT}. Default: now.`)),
  until: text(40, `When it ends: ${MOMENT_TEXT}. A duration counts from its begin.`),
  reason,
  by,
})
const CancelBody = body({ id: text(64, 'Of the planned silence, as GET /alerts has it.'), by })
const ForgetBody = body({
  key: Type.Optional(key),
  model: Type.Optional(text(512, 'In place of a key: all alerts and looks of this model.')),
  by,
})
const EnableBody = body({ channel: text(64, 'Its name.'), by })
const HistoryQuery = Type.Object({
  key: Type.Optional(text(1024, 'Only of this alert.')),
  limit: withDefault(
    Type.Integer({ minimum: 1, maximum: 10_000, default: 200, description: 'At most so many.' }),
  ),
})

/** Errors of every route about alerts. */
const COMMON: readonly ErrorCode[] = ['ALERTS_NOT_CONFIGURED', 'ALERT_JOURNAL_FAILED']

/** GET /alerts and /alerts/history, and what people do about alerts: POST /admin/alerts/… */
export const addAlerts = (app: App, context: RouteContext): void => {
  app.get(
    '/alerts',
    {
      config: { scope: 'read', errors: COMMON },
      schema: {
        tags: ['alerts'],
        operationId: 'getAlerts',
        summary: 'What fires, what waits to be sent, and what is silent',
        response: { 200: refTo(AlertsAnswer) },
      },
    },
    async () => answerOf(context),
  )
  app.get<{ Querystring: Static<typeof HistoryQuery> }>(
    '/alerts/history',
    {
      config: { scope: 'read', errors: [...COMMON, 'REQUEST_INVALID'] },
      schema: {
        tags: ['alerts'],
        operationId: 'getAlertHistory',
        summary: 'Who did what about alerts',
        querystring: HistoryQuery,
        response: { 200: refTo(AlertHistoryAnswer) },
      },
    },
    async ({ query }) => historyAnswer(await configuredAlerts(context).center.book(), query.key, query.limit),
  )
  addAlertActs(app, context)
  addSilenceActs(app, context)
}

const addAlertActs = (app: App, context: RouteContext): void => {
  addAct<Static<typeof KeyBody>>(app, context, {
    act: 'acknowledge',
    of: 'Alert',
    summary: 'Take an alert on: it is not repeated until it gets worse',
    errors: ['ALERT_UNKNOWN', 'ALERT_NOT_FIRING'],
    body: KeyBody,
    details: (asked) => ({ key: asked.key }),
    work: (center, asked, person) => center.acknowledge(asked.key, person),
  })
  addAct<Static<typeof ForgetBody>>(app, context, {
    act: 'forget',
    of: 'Alert',
    summary: 'Remove an alert, or everything of a model, that nobody needs any more',
    errors: ['ALERT_UNKNOWN', 'ALERT_MODEL_UNKNOWN'],
    body: ForgetBody,
    details: (asked) => ({ key: asked.key ?? null, model: asked.model ?? null }),
    work: async (center, asked, person) => center.forget(forgotten(asked), person),
  })
  addAct<Static<typeof EnableBody>>(app, context, {
    act: 'enable',
    of: 'AlertChannel',
    summary: 'Send through a channel again that its receiver had switched off',
    errors: ['ALERT_CHANNEL_UNKNOWN'],
    body: EnableBody,
    details: (asked) => ({ channel: asked.channel }),
    work: async (center, { channel }, person, { channels }) => {
      const names = channels.map(({ name }) => name)
      if (!names.includes(channel))
        throw new VigiaError('ALERT_CHANNEL_UNKNOWN', { name: channel, known: names.join(', ') || 'none' })
      await center.enable(channel, person)
    },
  })
}

const addSilenceActs = (app: App, context: RouteContext): void => {
  const { world } = context
  addAct<Static<typeof SilenceBody>>(app, context, {
    act: 'silence',
    of: 'Alert',
    summary: 'Send nothing of an alert for a while, but its end',
    errors: ['ALERT_UNKNOWN', 'ALERT_SILENCE_INVALID'],
    body: SilenceBody,
    details: (asked) => ({ key: asked.key, until: asked.until, reason: asked.reason }),
    work: async (center, asked, person) => {
      const untilMs = momentOf('until', asked.until, world.now())
      await center.silence(asked.key, { untilMs, reason: asked.reason, ...person })
    },
  })
  addAct<Static<typeof KeyBody>>(app, context, {
    act: 'unsilence',
    of: 'Alert',
    summary: 'End the silence of an alert',
    errors: ['ALERT_UNKNOWN'],
    body: KeyBody,
    details: (asked) => ({ key: asked.key }),
    work: (center, asked, person) => center.unsilence(asked.key, person),
  })
  addAct<Static<typeof PlanBody>>(app, context, {
    act: 'plan',
    of: 'Silence',
    summary: 'Silence ahead what may fire: a planned maintenance',
    errors: ['ALERT_SILENCE_INVALID'],
    body: PlanBody,
    details: ({ model = '*', kind = '*', segment = '*', from = null, until, reason }) => ({
      model,
      kind,
      segment,
      from,
      until,
      reason,
    }),
    work: async (center, { model = '*', kind = '*', segment = '*', from, until, reason }, person) => {
      const fromMs = from === undefined ? world.now() : momentOf('from', from, world.now())
      const untilMs = momentOf('until', until, fromMs)
      const id = world.newId().slice(0, 8)
      await center.plan({ id, model, kind, segment, fromMs, untilMs, reason, ...person })
    },
  })
  addAct<Static<typeof CancelBody>>(app, context, {
    act: 'cancel',
    of: 'Silence',
    summary: 'End a planned silence, or see to it that it does not begin',
    errors: ['ALERT_SILENCE_UNKNOWN'],
    body: CancelBody,
    details: (asked) => ({ id: asked.id }),
    work: (center, asked, person) => center.cancel(asked.id, person),
  })
}

/** One way to change what is said of alerts. */
interface Act<Body> {
  /** Last part of its address. */
  readonly act: string
  /** What it is done to, in its name for programs: `acknowledgeAlert`. */
  readonly of: 'Alert' | 'AlertChannel' | 'Silence'
  readonly summary: string
  readonly errors: readonly ErrorCode[]
  readonly body: TObject
  /** What is kept about it in the audit log. */
  readonly details: (body: Body) => AuditEntry['details']
  readonly work: (
    center: AlertCenter,
    body: Body,
    person: { readonly by: string },
    alerts: ServedAlerts,
  ) => Promise<void>
}

const addAct = <Body extends { readonly by?: string }>(
  app: App,
  context: RouteContext,
  act: Act<Body>,
): void => {
  app.post(
    `/admin/alerts/${act.act}`,
    {
      config: { scope: 'admin', errors: [...act.errors, ...COMMON] },
      schema: {
        tags: ['alerts'],
        operationId: `${act.act}${act.of}`,
        summary: act.summary,
        body: act.body,
        response: { 200: refTo(AlertsAnswer) },
      },
    },
    async (request) => {
      const asked = request.body as Body
      const who = request.caller?.name ?? request.ip
      const by = asked.by === undefined ? who : `${asked.by} (${who})`
      const details = { ...act.details(asked), by }
      await runAudited(context, request, `alerts.${act.act}`, details, async () => {
        const alerts = configuredAlerts(context)
        await act.work(alerts.center, asked, { by }, alerts)
      })
      return answerOf(context)
    },
  )
}

/** @throws ALERTS_NOT_CONFIGURED */
export const configuredAlerts = ({ alerts }: Pick<RouteContext, 'alerts'>): ServedAlerts => {
  if (alerts === undefined || !alerts.isKept()) throw new VigiaError('ALERTS_NOT_CONFIGURED', {})
  return alerts
}

const answerOf = async (context: RouteContext) => {
  const alerts = configuredAlerts(context)
  return alertsAnswer(await alerts.center.book(), alerts, context.world.now())
}

const forgotten = ({ key, model }: Static<typeof ForgetBody>) => {
  if (key !== undefined && model === undefined) return { key }
  if (model !== undefined && key === undefined) return { model }
  const got = key === undefined ? 'neither' : 'both'
  throw invalid('key', 'is not one thing to forget', '{"key": …} or {"model": …}', got)
}

const momentOf = (field: 'from' | 'until', text: string, fromMs: number): number => {
  const ms = readMoment(text, fromMs)
  if (Number.isNaN(ms)) throw invalid(field, 'is no moment', MOMENT_TEXT, shown(text))
  return ms
}

const invalid = (field: string, what: string, allowed: string, got: string) =>
  new RequestProblemsError('REQUEST_INVALID', [{ field, what, allowed, got }])
