import type { AlertNotification } from '../../ports/alert-channel.ts'

const STATES: Readonly<Record<AlertNotification['reason'], string>> = {
  fired: 'FIRING',
  escalated: 'WORSE',
  eased: 'EASED',
  reminder: 'STILL FIRING',
  refreshed: 'STILL FIRING',
  acknowledged: 'ACKNOWLEDGED',
  resolved: 'RESOLVED',
  test: 'FIRING',
}

/**
 * One line: `[FIRING critical] fraud: drift of country=ES: the amounts have moved`. A test begins with TEST.
 */
export const titleOf = (alert: AlertNotification): string => {
  const test = alert.isTest ? 'TEST, no alarm: ' : ''
  return onOneLine(`${test}[${stateOf(alert)}] ${subjectOf(alert)}: ${alert.summary}`)
}

/** `WORSE critical, was severe` */
export const stateOf = ({ reason, severity, previousSeverity, by }: AlertNotification): string => {
  const was = previousSeverity === undefined ? '' : `, was ${previousSeverity}`
  return `${STATES[reason]} ${severity}${was}${by === undefined ? '' : ` by ${by}`}`
}

/** `fraud: drift of country=ES` */
export const subjectOf = ({ model, kind, segment }: AlertNotification): string =>
  onOneLine(`${model}: ${kind.replaceAll('_', ' ')}${segment === '' ? '' : ` of ${segment}`}`)

/** When it began, its key and where there is more, for below a message. */
export const footerOf = ({ startedMs, dedupKey, url }: AlertNotification): string =>
  `since ${new Date(startedMs).toISOString()} · ${dedupKey}${url === undefined ? '' : ` · ${url}`}`

/** Text as every receiver takes it: half characters and control characters but line ends are `\ufffd`. */
export const clean = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(/\p{Cs}|(?!\n)\p{Cc}/gu, '\ufffd')

export const onOneLine = (text: string): string => clean(text).replaceAll(/\s+/g, ' ').trim()

/** At most `most` UTF-16 units in whole characters, the last of them `…` where something was cut. */
export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text
  const end = most - 1
  // A character of two units is not parted.
  const isParted = /[\ud800-\udbff]/.test(text.charAt(end - 1))
  return `${text.slice(0, isParted ? end - 1 : end)}…`
}

/** As many of the lines as take at most `mostBytes` as JSON, each cut; with how many are left out. */
export const fitLines = (
  lines: readonly string[],
  mostBytes: number,
  longestLine = 500,
): readonly string[] => {
  const kept: string[] = []
  let bytes = 0
  for (const line of lines) {
    const short = cut(clean(line), longestLine)
    bytes += Buffer.byteLength(JSON.stringify(short)) + 1
    if (bytes > mostBytes) return [...kept, `… and ${lines.length - kept.length} more`]
    kept.push(short)
  }
  return kept
}
