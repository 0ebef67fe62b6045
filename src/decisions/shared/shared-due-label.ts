import { type DueLabelEntry, HISTORY_LABEL, LABEL_PLACE_DIGITS } from '../../ports/state-store.ts'
import type { WaitingReceipt } from '../decision-receipt.ts'
import type { LabelledEntities } from '../labels.ts'
import type { LabelEntry } from '../log/log-record.ts'
import { type DueLabel, dueId } from '../owned/due-labels.ts'

/*
 * A due label as a shared store keeps it: its place, its JSON, and where it waited for its transaction a line
 * feed and the receipt that it had meanwhile.
 */

/** A due label of a shared store. */
export interface SharedDueLabel extends DueLabel {
  /** Names it in the store. */
  readonly text: string
  /** What was told before its transaction came; absent: nothing was. */
  readonly waited?: WaitingReceipt
}

/** What the label of a transaction would say that nobody tells anything of. */
export const genuineText = (transactionId: string, entities: LabelledEntities): string =>
  JSON.stringify({ ...entities, transactionId, isFraud: false, origin: 'delay' } satisfies DueLabel['label'])

/** A label that training knew and that was not due when its data ended: number `index` of them, from 0. */
export const historyEntry = (dueMs: number, index: number, label: DueLabel['label']): DueLabelEntry => ({
  dueMs,
  text: `${HISTORY_LABEL}${String(index).padStart(LABEL_PLACE_DIGITS, '0')}${JSON.stringify(label)}`,
})

export const decodeDueLabel = ({ dueMs, text }: DueLabelEntry): SharedDueLabel => {
  const place = text.slice(0, 1 + LABEL_PLACE_DIGITS)
  const [label, waited] = text.slice(place.length).split('\n')
  return {
    id: dueId(dueMs, place),
    dueMs,
    text,
    label: JSON.parse(label!) as SharedDueLabel['label'],
    ...(waited !== undefined && { waited: JSON.parse(waited) as WaitingReceipt }),
  }
}

/** The log's entry of a due label that is delivered. */
export const deliveredEntry = (
  { id, label, waited }: SharedDueLabel,
  nowMs: number,
  isApplied: boolean,
): LabelEntry => {
  if (waited === undefined) return { ...label, receivedAtMs: nowMs, isApplied, due: id }
  const { origin: _, ...told } = label
  const { isFraud, receivedAtMs, origin } = waited
  return { ...told, isFraud, receivedAtMs, isApplied, ...(origin !== undefined && { origin }) }
}
