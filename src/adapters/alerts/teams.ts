import type { AlertChannel, AlertNotification, AlertSeverity } from '../../ports/alert-channel.ts'
import { cut, fitLines, footerOf, titleOf } from './alert-text.ts'
import { deliveryOf, httpPost } from './http-post.ts'
import { secretsOf } from './slack-webhook.ts'

export interface TeamsOptions {
  readonly name: string
  /** Of a workflow "Post to a channel when a webhook request is received"; a secret. */
  readonly url: string
  readonly timeoutMs: number
}

/** Teams refuses messages of more than 28 kB. */
const MOST_DETAILS_BYTES = 15_000

const COLOURS: Readonly<Record<AlertSeverity, string>> = {
  moderate: 'warning',
  severe: 'attention',
  critical: 'attention',
}

/**
 * Microsoft Teams by the webhook of a workflow, with an Adaptive Card; a message for each change, since
 * workflows tell nothing of what they have posted.
 */
export const createTeams = ({ name, url, timeoutMs }: TeamsOptions): AlertChannel => ({
  name,
  send: async (alert) =>
    deliveryOf(
      await httpPost({ url, body: JSON.stringify(cardOf(alert)), timeoutMs, secrets: secretsOf(url) }),
      'Teams',
    ),
})

const cardOf = (alert: AlertNotification) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        msteams: { width: 'Full' },
        body: [
          {
            ...textBlock(cut(titleOf(alert), 1000)),
            weight: 'bolder',
            color: alert.action === 'resolve' ? 'good' : COLOURS[alert.severity],
          },
          ...fitLines(alert.details, MOST_DETAILS_BYTES).map(textBlock),
          { ...textBlock(footerOf(alert)), isSubtle: true, size: 'small' },
        ],
        ...(alert.url !== undefined && {
          actions: [{ type: 'Action.OpenUrl', title: 'Open', url: alert.url }],
        }),
      },
    },
  ],
})

/** TextBlocks know some Markdown: what would be a link or emphasis is escaped. */
const textBlock = (text: string) => ({
  type: 'TextBlock',
  text: text.replace(/[\\*_[\]#`~]/g, (character) => `\\${character}`),
  wrap: true,
})
