import type { AlertNotification, AlertSeverity } from '../../ports/alert-channel.ts'
import { cut, fitLines, footerOf, titleOf } from './alert-text.ts'

const COLOURS: Readonly<Record<AlertSeverity, string>> = {
  moderate: '#daa038',
  severe: '#e8590c',
  critical: '#c92a2a',
}
const GOOD = '#2f9e44'

/** Of one section; Slack refuses more than 3,000 characters. */
const LONGEST_SECTION = 2900
const LONGEST_TITLE = 900

/** `text` in Slack's own escapes. */
export const slackEscaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * A message as Slack shows it: plain text throughout, so that nothing in it is a mention or a link, with the
 * severity as colour and in words.
 */
export const slackMessage = (alert: AlertNotification) => {
  const title = cut(titleOf(alert), LONGEST_TITLE)
  const lines = fitLines(alert.details, LONGEST_SECTION - 100).join('\n')
  return {
    // What notifications show, and what is read aloud.
    text: slackEscaped(title),
    attachments: [
      {
        color: alert.action === 'resolve' ? GOOD : COLOURS[alert.severity],
        fallback: title,
        blocks: [
          section(title),
          ...(lines.trim() === '' ? [] : [section(cut(lines, LONGEST_SECTION))]),
          { type: 'context', elements: [plain(cut(footerOf(alert), LONGEST_SECTION))] },
        ],
      },
    ],
  }
}

const section = (text: string) => ({ type: 'section', text: plain(text) })

const plain = (text: string) => ({ type: 'plain_text', text, emoji: false })
