import {
  type CommitLabels,
  type CommittedLabels,
  DECIDED_LABEL,
  type DueLabelEntry,
  type DueLabelsFound,
  LABEL_PLACE_DIGITS,
  type LabelsPutBack,
} from '../../ports/state-store.ts'

/** What a commit has become: its number, the id of its receipt, and the other receipt that it found. */
interface Committed {
  readonly sequence: number
  readonly id: string
  readonly found: Uint8Array | undefined
}

/** Labels that wait for their transaction or their time, of processes that share states in memory. */
export class MemorySharedLabels {
  private clockMs = Number.NEGATIVE_INFINITY
  private entries: DueLabelEntry[] = []
  /** Until when, by the id of its receipt. */
  private readonly waiting = new Map<string, number>()

  /** @param isThere whether `otherReceipt` was found @param isKnown whether the commit's own was */
  objectionTo(
    labels: CommitLabels | undefined,
    isThere: boolean,
    isKnown: boolean,
  ): 'due' | 'otherwise' | 'full' | undefined {
    if (labels?.kind === 'arrival')
      return this.due(labels.eventTimeMs, 1).labels.length > 0 ? 'due' : undefined
    if (labels?.kind === 'delivery') return this.entries[0]?.text === labels.text ? undefined : 'otherwise'
    if (labels?.kind !== 'wait') return undefined
    if (isThere) return 'otherwise'
    const others = [...this.waiting.values()].filter((untilMs) => untilMs > labels.nowMs)
    return !isKnown && others.length >= labels.most ? 'full' : undefined
  }

  commit(labels: CommitLabels | undefined, { sequence, id, found }: Committed): CommittedLabels {
    let [expiredLabels, isLabelDue] = [0, false]
    if (labels?.kind === 'arrival') {
      const { eventTimeMs, dueMs, label, waitingId } = labels
      this.clockMs = Math.max(this.clockMs, eventTimeMs)
      const text = `${DECIDED_LABEL}${String(sequence).padStart(LABEL_PLACE_DIGITS, '0')}${label}`
      this.waiting.delete(waitingId)
      isLabelDue = found !== undefined
      if (found !== undefined)
        this.add({ dueMs: Number.NEGATIVE_INFINITY, text: `${text}\n${new TextDecoder().decode(found)}` })
      else if (dueMs !== undefined) this.add({ dueMs: Math.max(dueMs, this.clockMs), text })
    } else if (labels?.kind === 'wait') {
      for (const [other, untilMs] of this.waiting)
        if (untilMs <= labels.nowMs && this.waiting.delete(other)) expiredLabels++
      this.waiting.set(id, labels.untilMs)
    } else if (labels?.kind === 'delivery') this.remove(labels.text)
    else if (labels?.kind === 'told') this.waiting.delete(labels.waitingId)
    return { waitingLabels: this.waiting.size, expiredLabels, isLabelDue }
  }

  due(eventTimeMs: number | undefined, most: number): DueLabelsFound {
    const { clockMs } = this
    const byMs = eventTimeMs === undefined ? Number.NEGATIVE_INFINITY : Math.max(clockMs, eventTimeMs)
    const labels = this.entries.filter(({ dueMs }) => dueMs <= byMs).slice(0, most)
    return { clockMs, labels, waitingLabels: this.waiting.size }
  }

  remove(text: string): void {
    this.entries = this.entries.filter((entry) => entry.text !== text)
  }

  putBack({ clockMs, due, waiting }: LabelsPutBack): void {
    this.clockMs = Math.max(this.clockMs, clockMs)
    for (const entry of due) this.add(entry)
    for (const { id, untilMs } of waiting) this.waiting.set(id, untilMs)
  }

  clear(): void {
    this.clockMs = Number.NEGATIVE_INFINITY
    this.entries = []
    this.waiting.clear()
  }

  private add(entry: DueLabelEntry): void {
    const isBehind = ({ dueMs, text }: DueLabelEntry): boolean =>
      dueMs > entry.dueMs || (dueMs === entry.dueMs && text > entry.text)
    const place = this.entries.findIndex(isBehind)
    this.entries.splice(place < 0 ? this.entries.length : place, 0, entry)
  }
}

/** The receipt beside its own that a commit is about. */
export const otherReceipt = (labels: CommitLabels | undefined): string | undefined => {
  if (labels?.kind === 'wait') return labels.decisionId
  return labels?.kind === 'arrival' || labels?.kind === 'told' ? labels.waitingId : undefined
}
