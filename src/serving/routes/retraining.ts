import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { VigiaError } from '../../errors.ts'
import { dateOf, dayStartOf } from '../../foundation/days.ts'
import type { ServedRetraining } from '../../lifecycle/served-retraining.ts'
import type { Episode, EpisodeRecord } from '../../retraining/episode.ts'
import { episodesOf } from '../../retraining/retraining-book.ts'
import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import type { App } from '../dependencies.ts'
import { publicEpisode, publicRecord, publicSource } from '../public-retraining.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import { RetrainingAnswer } from '../schemas/retraining.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

const REASON = {
  why: Type.String({
    minLength: 1,
    maxLength: 1000,
    pattern: '\\S',
    description: 'For whoever asks later.',
  }),
  by: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Who asks, beside the name of the key: a person of a team that shares it.',
    }),
  ),
}
const CancelBody = Type.Object(REASON, { additionalProperties: false })
const AskBody = Type.Object(
  {
    why: REASON.why,
    by: REASON.by,
    since: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}$',
        description:
          'Day (UTC) since which things have changed, such as 2026-11-20: labels of decisions since then are waited for. Left out: of no decisions in particular.',
      }),
    ),
  },
  { additionalProperties: false },
)
const TrailQuery = Type.Object({
  limit: withDefault(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 200,
      description: 'At most so many records and so many episodes.',
    }),
  ),
})

const COMMON = ['RETRAINING_NOT_ENABLED', 'RETRAINING_JOURNAL_FAILED'] as const
const SHOWN = 200

/** GET /retraining: how it stands and the audit trail; POST /retraining/request and /cancel. */
export const addRetraining = (app: App, context: RouteContext): void => {
  app.get<{ Querystring: Static<typeof TrailQuery> }>(
    '/retraining',
    {
      config: { scope: 'read', errors: [...COMMON, 'REQUEST_INVALID'] },
      schema: {
        tags: ['administration'],
        operationId: 'getRetraining',
        summary: 'How retraining stands, and how it came to that',
        querystring: TrailQuery,
        response: { 200: refTo(RetrainingAnswer) },
      },
    },
    async (request) => answerOf(enabled(context), request.query.limit, isAdmin(request, context)),
  )
  addAct(app, context, {
    act: 'request',
    summary: 'Ask for a retraining: cooldown and budget are not waited for',
    body: AskBody,
    errors: ['REQUEST_INVALID'],
    work: (retraining, { why, since }, by) => retraining.request(why, by, sinceOf(since, context)),
  })
  addAct(app, context, {
    act: 'cancel',
    summary: 'End the retraining that runs: what it has put in service goes back',
    body: CancelBody,
    errors: ['RETRAINING_NOTHING_RUNS'],
    work: (retraining, { why }, by) => retraining.cancel(why, by),
  })
}

interface Act {
  readonly act: 'request' | 'cancel'
  readonly summary: string
  readonly errors: readonly ('RETRAINING_NOTHING_RUNS' | 'REQUEST_INVALID')[]
  readonly body: typeof AskBody | typeof CancelBody
  readonly work: (retraining: ServedRetraining, asked: Static<typeof AskBody>, by: string) => Promise<void>
}

const addAct = (app: App, context: RouteContext, { act, summary, body, errors, work }: Act): void => {
  app.post<{ Body: Static<typeof AskBody> }>(
    `/retraining/${act}`,
    {
      config: { scope: 'admin', errors: [...errors, ...COMMON] },
      schema: {
        tags: ['administration'],
        operationId: `${act}Retraining`,
        summary,
        body,
        response: { 200: refTo(RetrainingAnswer) },
      },
    },
    async (request) => {
      const { why, by: person, since } = request.body
      const who = request.caller?.name ?? request.ip
      const by = person === undefined ? who : `${person} (${who})`
      await runAudited(
        context,
        request,
        `retraining.${act}`,
        { why, by, ...(since !== undefined && { since }) },
        () => work(enabled(context), request.body, by),
      )
      return answerOf(enabled(context), SHOWN, true)
    },
  )
}

/** Since when things have changed; null: nothing was told of it. @throws REQUEST_INVALID */
const sinceOf = (since: string | undefined, { world }: Pick<RouteContext, 'world'>): number | null => {
  if (since === undefined) return null
  const sinceMs = dayStartOf(since)
  if (sinceMs !== undefined && sinceMs <= world.now()) return sinceMs
  const what = 'is no day of the past'
  throw new RequestProblemsError('REQUEST_INVALID', [
    { field: 'since', what, allowed: 'a day that has begun (UTC), such as 2026-11-20', got: shown(since) },
  ])
}

/** @throws RETRAINING_NOT_ENABLED */
const enabled = ({ retraining }: Pick<RouteContext, 'retraining'>): ServedRetraining => {
  if (retraining === undefined) throw new VigiaError('RETRAINING_NOT_ENABLED', {})
  return retraining
}

/** Whether all may be told: the scope admin, or nobody needs a key. */
const isAdmin = (
  { caller, server }: FastifyRequest,
  { settings }: Pick<RouteContext, 'settings'>,
): boolean =>
  caller === null
    ? server.keyRing.isEmpty && settings.security.guarded_by !== 'platform'
    : server.keyRing.allows(caller, 'admin')

const answerOf = async (retraining: ServedRetraining, limit: number, isAll: boolean) => {
  const { model } = retraining
  const book = await retraining.book()
  const episodes = episodesOf(book, model)
  const ids = new Set(episodes.map(({ id }) => id))
  return {
    model,
    status: episodes.at(-1)?.status ?? null,
    next_at: timeOrNull(retraining.nextMs()),
    episodes: episodes
      .slice(-limit)
      .reverse()
      .map((episode) => (isAll ? episodeAnswer(episode) : publicEpisodeAnswer(episode))),
    records: book.records
      .filter(({ episode }) => ids.has(episode))
      .slice(-limit)
      .reverse()
      .map((record) => recordAnswer(isAll ? record : publicRecord(record))),
  }
}

const episodeAnswer = ({ threshold, challenger, comparison, ...episode }: Episode) => ({
  id: episode.id,
  kind: episode.kind,
  status: episode.status,
  why: episode.why,
  opened_at: timeOf(episode.openedMs),
  since: timeOf(episode.sinceMs),
  champion: episode.champion,
  looks: episode.looks,
  failures: episode.failures,
  left_out: episode.leftOutDays.map(dateOf),
  threshold: threshold
    ? {
        threshold: threshold.threshold,
        present: threshold.present,
        alerts_per_day: threshold.alertsPerDay,
        present_alerts_per_day: threshold.presentAlertsPerDay,
      }
    : null,
  challenger: challenger ? { version: challenger.version, source: challenger.source } : null,
  verdict: comparison?.verdict ?? null,
})

const publicEpisodeAnswer = (episode: Episode) => {
  const answer = episodeAnswer(publicEpisode(episode))
  const { challenger } = answer
  if (challenger === null) return answer
  return { ...answer, challenger: { ...challenger, source: publicSource(challenger.source) } }
}

const recordAnswer = ({
  atMs,
  by,
  episode,
  from,
  to,
  why,
  code,
  look,
  run,
  figures = {},
}: EpisodeRecord) => ({
  at: timeOf(atMs),
  by,
  episode,
  from,
  to,
  why,
  code: code ?? null,
  look: look ?? null,
  run: run ?? null,
  figures,
})

const timeOf = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeOf(ms))
