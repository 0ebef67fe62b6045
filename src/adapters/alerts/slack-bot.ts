import type { AlertChannel, AlertDelivery, AlertNotification } from '../../ports/alert-channel.ts'
import { deliveryOf, httpPost } from './http-post.ts'
import { slackMessage } from './slack-blocks.ts'

export interface SlackBotOptions {
  readonly name: string
  /** `xoxb-…`, with the scope chat:write. */
  readonly token: string
  /** Id of the room: `C0123456789`. */
  readonly room: string
  /** `https://slack.com/api` */
  readonly url: string
  readonly timeoutMs: number
}

/** What Slack says for trouble of its own, with status 200. */
const LATER = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
])

/**
 * Slack by a bot: the first message of an episode shows how things stand and is changed with it; what
 * happened stands below it, in its thread. Only what is worse is shown in the room once more.
 *
 * The message is changed first, which may be repeated; the answer in the thread carries the id of the message
 * in its metadata, since Slack itself has no way to recognise a repeat.
 */
export const createSlackBot = ({ name, token, room, url, timeoutMs }: SlackBotOptions): AlertChannel => {
  const call = async (method: string, body: object): Promise<Called> => {
    const answer = await httpPost({
      url: `${url.replace(/\/$/, '')}/${method}`,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token}` },
      timeoutMs,
      secrets: [token],
    })
    const delivery = deliveryOf(answer, 'Slack')
    if (delivery.kind !== 'delivered' || answer.kind !== 'answered') return { delivery }
    return readAnswer(method, answer.text)
  }
  const post = async (alert: AlertNotification, thread: object): Promise<Called> =>
    call('chat.postMessage', {
      channel: room,
      ...slackMessage(alert),
      ...thread,
      metadata: metadataOf(alert),
    })

  return {
    name,
    send: async (alert) => {
      const [channel, ts] = alert.thread?.split(':') ?? []
      if (channel === undefined || ts === undefined) {
        const { delivery, handle } = await post(alert, {})
        return delivery.kind === 'delivered' && handle !== undefined
          ? { ...delivery, thread: handle }
          : delivery
      }
      const changed = await call('chat.update', { channel, ts, ...slackMessage(alert) })
      // A message that somebody deleted cannot be changed, but may still be answered.
      const isLost = changed.error === 'message_not_found' || changed.error === 'cant_update_message'
      if (changed.delivery.kind !== 'delivered' && !isLost) return changed.delivery
      const isLoud = alert.reason === 'escalated'
      const { delivery } = await post(alert, { thread_ts: ts, ...(isLoud && { reply_broadcast: true }) })
      return delivery
    },
  }
}

interface Called {
  readonly delivery: AlertDelivery
  /** `<room>:<ts>` of what was posted. */
  readonly handle?: string
  /** Slack's word for what went wrong. */
  readonly error?: string
}

const readAnswer = (method: string, text: string): Called => {
  const { ok, error, channel, ts } = parsed(text)
  if (ok === true)
    return { delivery: { kind: 'delivered' }, ...(channel && ts && { handle: `${channel}:${ts}` }) }
  const said = error ?? 'something that is not JSON'
  const reason = `Slack answered ${said} to ${method}`
  if (error === undefined || LATER.has(error)) return { delivery: { kind: 'retry', reason }, error: said }
  return { delivery: { kind: 'refused', reason }, error: said }
}

interface SlackAnswer {
  readonly ok?: boolean
  readonly error?: string
  readonly channel?: string
  readonly ts?: string
}

const parsed = (text: string): SlackAnswer => {
  try {
    return JSON.parse(text) as SlackAnswer
  } catch {
    return {}
  }
}

const metadataOf = ({ id, dedupKey }: AlertNotification) => ({
  event_type: 'vigia_alert',
  event_payload: { id, dedup_key: dedupKey },
})
