import type { AlertChannel } from '../../ports/alert-channel.ts'
import { deliveryOf, httpPost } from './http-post.ts'
import { slackMessage } from './slack-blocks.ts'

export interface SlackWebhookOptions {
  readonly name: string
  /** Who has it can write to the room, so it is a secret. */
  readonly url: string
  readonly timeoutMs: number
}

/**
 * Slack by an incoming webhook: one message for each change. It cannot change a message nor answer in a
 * thread; a bot can (`slack-bot.ts`).
 */
export const createSlackWebhook = ({ name, url, timeoutMs }: SlackWebhookOptions): AlertChannel => ({
  name,
  send: async (alert) =>
    deliveryOf(
      await httpPost({ url, body: JSON.stringify(slackMessage(alert)), timeoutMs, secrets: secretsOf(url) }),
      'Slack',
    ),
})

/**
 * The address, and its path alone: an answer may repeat either. A path of nothing but `/` says nothing, and
 * stands in every address.
 */
export const secretsOf = (url: string): readonly string[] => {
  if (!URL.canParse(url)) return [url]
  const { pathname, search } = new URL(url)
  return [url, `${pathname}${search}`, pathname].filter((text) => !/^\/*$/.test(text))
}
