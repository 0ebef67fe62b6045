import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  decodeReceipt,
  encodeReceipt,
  type WaitingReceipt,
  waitingId,
} from '../decisions/decision-receipt.ts'
import { isDueLabel } from '../decisions/owned/due-labels.ts'
import { isWaitingLabel } from '../decisions/owned/waiting-labels.ts'
import { decodeDueLabel, type SharedDueLabel } from '../decisions/shared/shared-due-label.ts'
import type { DueLabelEntry } from '../ports/state-store.ts'

/*
 * `receipts.jsonl` in a snapshot of states that servers share: a line for each label that is due later, and
 * one for each that waits for its transaction, under the ids that a store of one process gives them. Beside
 * what such a store has, a due label says what was told before its transaction came, and a waiting one the
 * number of its record.
 */

/** A label that waits for its transaction. */
export interface WaitingLabel {
  /** Of its record. */
  readonly sequence: number
  readonly receipt: WaitingReceipt
}

/** A label in a snapshot. */
export type LabelInSnapshot =
  | { readonly kind: 'due'; readonly entry: DueLabelEntry }
  | ({ readonly kind: 'waiting' } & WaitingLabel)

interface Line {
  readonly id: string
  /** In base 64. */
  readonly body: string
  readonly sequence?: number
}

/** A due label as it lies in a line; its time is null where its transaction has come. */
type DueBody = { readonly dueMs: number | null } & Pick<SharedDueLabel, 'label' | 'waited'>

/** The lines of these labels, ascending by their ids. */
export const linesOfLabels = (
  due: Iterable<DueLabelEntry>,
  waiting: Iterable<WaitingLabel>,
): readonly Uint8Array[] => {
  const lines: Line[] = []
  for (const entry of due) {
    const { id, dueMs, label, waited } = decodeDueLabel(entry)
    const body: DueBody = { dueMs: Number.isFinite(dueMs) ? dueMs : null, label, ...(waited && { waited }) }
    lines.push({ id, body: Buffer.from(JSON.stringify(body)).toString('base64') })
  }
  for (const { sequence, receipt } of waiting)
    lines.push({
      id: waitingId(receipt.transactionId),
      body: Buffer.from(encodeReceipt(receipt)).toString('base64'),
      sequence,
    })
  return lines.sort((a, b) => (a.id < b.id ? -1 : 1)).map((line) => Buffer.from(`${JSON.stringify(line)}\n`))
}

/** The labels that `linesOfLabels` wrote. */
export async function* labelsInSnapshot(file: string): AsyncGenerator<LabelInSnapshot> {
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const { id, body, sequence = 0 } = JSON.parse(text) as Line
    const bytes = Buffer.from(body, 'base64')
    if (isWaitingLabel(id))
      yield { kind: 'waiting', sequence, receipt: decodeReceipt<WaitingReceipt>(new Uint8Array(bytes)) }
    else if (isDueLabel(id))
      yield { kind: 'due', entry: dueEntry(id, JSON.parse(bytes.toString()) as DueBody) }
  }
}

/** As a shared store keeps it: the place is what its id ends with. */
const dueEntry = (id: string, { dueMs, label, waited }: DueBody): DueLabelEntry => {
  const place = id.slice(id.lastIndexOf('/') + 1)
  const told = waited === undefined ? '' : `\n${JSON.stringify(waited)}`
  return { dueMs: dueMs ?? Number.NEGATIVE_INFINITY, text: `${place}${JSON.stringify(label)}${told}` }
}
