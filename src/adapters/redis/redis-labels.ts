import type { CommitLabels, DueLabelEntry, SharedStateStore } from '../../ports/state-store.ts'
import type { RedisWord } from './redis-connection.ts'
import { asBuffer, type RedisLink, type RedisNames } from './redis-link.ts'
import { DUE, REMOVE_DUE } from './redis-scripts.ts'

/** What Redis can keep as a time to live; about 30,000 years. */
const LONGEST_LIFE_MS = 1e15

/** A time to live as Redis takes it. */
export const lifeWord = (lifeMs: number): string =>
  String(Math.min(Math.max(1, Math.ceil(lifeMs)), LONGEST_LIFE_MS))

/** Labels that wait for their transaction, or for their time. */
export const labelCalls = ({
  names,
  history,
}: RedisLink): Pick<SharedStateStore, 'dueLabels' | 'removeDueLabel' | 'putBackLabels'> => ({
  dueLabels: async (eventTimeMs, most) => {
    const by = eventTimeMs === undefined ? '' : timeWord(eventTimeMs)
    const keys = [names.clock, names.due, names.waiting]
    const [, clock, found, waiting] = await history.run(DUE, keys, [by, String(most)])
    const words = (found as readonly Buffer[]).map(String)
    const labels: DueLabelEntry[] = []
    for (let i = 0; i < words.length; i += 2) labels.push({ text: words[i]!, dueMs: timeIn(words[i + 1]!) })
    return { clockMs: timeIn(String(clock)), labels, waitingLabels: waiting as number }
  },
  removeDueLabel: async (text) => {
    await history.run(REMOVE_DUE, [names.due], [text])
  },
  putBackLabels: async ({ clockMs, due, waiting }) => {
    const commands: RedisWord[][] = []
    if (clockMs > Number.NEGATIVE_INFINITY) commands.push(['SET', names.clock, timeWord(clockMs)])
    if (due.length > 0)
      commands.push(['ZADD', names.due, ...due.flatMap(({ dueMs, text }) => [timeWord(dueMs), text])])
    for (const { id, bytes, lifeMs, untilMs } of waiting) {
      commands.push(['SET', names.receipt(id), asBuffer(bytes), 'PX', lifeWord(lifeMs)])
      commands.push(['ZADD', names.waiting, timeWord(untilMs), id])
    }
    const keys = [names.clock, names.due, names.waiting]
    await history.write([...keys, ...waiting.map(({ id }) => names.receipt(id))], commands)
  },
})

/** Key and five words of what a commit has to do with labels (`COMMIT`). */
export const labelWords = (
  names: RedisNames,
  receiptId: string,
  labels: CommitLabels | undefined,
): { readonly key: string; readonly words: readonly RedisWord[] } => {
  const own = names.receipt(receiptId)
  if (labels === undefined) return { key: own, words: ['', '', '', '', ''] }
  const { kind } = labels
  if (kind === 'delivery') return { key: own, words: [kind, labels.text, '', '', ''] }
  if (kind === 'told')
    return { key: names.receipt(labels.waitingId), words: [kind, '', '', '', labels.waitingId] }
  if (kind === 'wait') {
    const times = [timeWord(labels.untilMs), timeWord(labels.nowMs)]
    return {
      key: names.receipt(labels.decisionId),
      words: [kind, ...times, String(labels.most), receiptId],
    }
  }
  const { eventTimeMs, dueMs, label, waitingId } = labels
  const times = [timeWord(eventTimeMs), dueMs === undefined ? '' : timeWord(dueMs)]
  return { key: names.receipt(waitingId), words: [kind, ...times, label, waitingId] }
}

/** A time as Redis takes it: the shortest text that is read as the same double. */
const timeWord = (timeMs: number): string => {
  if (timeMs === Number.NEGATIVE_INFINITY) return '-inf'
  return timeMs === Number.POSITIVE_INFINITY ? '+inf' : String(timeMs)
}

const timeIn = (word: string): number => (word === '-inf' ? Number.NEGATIVE_INFINITY : Number(word))
