import { withOneNaN } from '../../foundation/one-nan.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { DecisionEntry } from '../decided.ts'
import type { LabelOrigin } from '../label-origin.ts'

export type { DecisionEntry }

/** A label as the log keeps it. */
export interface LabelEntry {
  /** Empty where only `transactionToken` is known. */
  readonly transactionId: string
  /** Token of the transaction, for labels of a history whose ids nobody kept. */
  readonly transactionToken?: number
  /** Null: what was told before was taken back, and nobody knows. */
  readonly isFraud: boolean | null
  /** What states were told of the transaction before; absent: nothing. */
  readonly known?: boolean
  readonly userId?: string | undefined
  readonly merchantId?: string | undefined
  readonly deviceId?: string | undefined
  /** Tokens of the entities of the bank's own, by kind; of all of them where names are not known. */
  readonly own?: Readonly<Record<EntityKind, number>> | undefined
  /** When the transaction happened; absent while nobody knows whose it was. */
  readonly eventTimeMs?: number
  readonly receivedAtMs: number
  /** Whether a state had the transaction. */
  readonly isApplied: boolean
  /** It waits for its transaction; when that comes, the label follows it as a record of its own. */
  readonly isWaiting?: true
  /**
   * Where it came from; absent: somebody told it (`POST /feedback`), and who follows from the decision on its
   * transaction (`toldBy`).
   */
  readonly origin?: LabelOrigin
  /** Which due label it was, when the server delivered it by its time. */
  readonly due?: string
  /** `layoutKey` of the states whose history knew it, of origin `history`; absent: those a log began with. */
  readonly layout?: string
}

/**
 * A state that was put in the place of another: because its history held something untrue, then its words
 * (`encodeState`) stand beside it; or because it has expired, then there are none, and the entity is as if it
 * had never been seen.
 */
export interface RepairEntry {
  /** Kind of states. */
  readonly kind: EntityKind
  readonly token: number
  readonly repairedAtMs: number
  /** Number of the last record, inclusive, that it was computed from. */
  readonly basis: number
  /** `layoutKey` of the states that it is one of; absent: those that the log began with. */
  readonly layout?: string
}

/** The token of a label's transaction. */
export const tokenOfLabel = ({ transactionId, transactionToken }: LabelEntry): number =>
  transactionToken ?? tokenOf(transactionId)

/** What a record of the log says, and its place among all decisions and labels on the same states, from 1. */
export type LogEntry = { readonly sequence: number } & (
  | { readonly kind: 'decision'; readonly decision: DecisionEntry; readonly vector: Float64Array }
  | { readonly kind: 'label'; readonly label: LabelEntry }
  | { readonly kind: 'repair'; readonly repair: RepairEntry; readonly words: Float64Array }
)

/*
 * A payload: kind (uint32), length of the JSON in bytes (uint32), sequence number (double), the JSON, zeros
 * up to a multiple of 8, then the features as doubles; all little-endian. JSON has no NaN and rounds nothing
 * else, but reading 117 numbers of it is slow.
 *
 * The sequence number is the one among all processes that share the states; a log counts its own records.
 */
const HEAD_BYTES = 16
const SEQUENCE_AT = 8
const DECISION = 1
const LABEL = 2
const REPAIR = 3

let scratch = Buffer.allocUnsafe(16_384)

/**
 * The payload of a decision; sequence 0 where it is not known yet. The bytes are valid until the next call.
 */
export const encodeDecision = (sequence: number, decision: DecisionEntry, vector: Float64Array): Uint8Array =>
  encode(DECISION, sequence, JSON.stringify(decision), vector)

/** The payload of a label. The bytes are valid until the next call. */
export const encodeLabel = (sequence: number, label: LabelEntry): Uint8Array =>
  encode(LABEL, sequence, JSON.stringify(label), NO_VALUES)

/** The payload of a repaired state. The bytes are valid until the next call. */
export const encodeRepair = (sequence: number, repair: RepairEntry, words: Float64Array): Uint8Array =>
  encode(REPAIR, sequence, JSON.stringify(repair), words)

/** The payload of any entry. The bytes are valid until the next call. */
export const encodeEntry = (entry: LogEntry): Uint8Array => {
  if (entry.kind === 'decision') return encodeDecision(entry.sequence, entry.decision, entry.vector)
  if (entry.kind === 'label') return encodeLabel(entry.sequence, entry.label)
  return encodeRepair(entry.sequence, entry.repair, entry.words)
}

/** A payload with its sequence number, which was not known when it was made. */
export const withSequence = (payload: Uint8Array, sequence: number): Uint8Array => {
  const bytes = new Uint8Array(payload)
  new DataView(bytes.buffer).setFloat64(SEQUENCE_AT, sequence, true)
  return bytes
}

/** The sequence number in a payload; 0 where it was not known. */
export const sequenceOfPayload = (payload: Uint8Array): number =>
  payload.length < HEAD_BYTES
    ? 0
    : new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getFloat64(SEQUENCE_AT, true)

const encode = (kind: number, sequence: number, json: string, vector: Float64Array): Uint8Array => {
  const most = HEAD_BYTES + json.length * 3 + 8 + vector.byteLength
  if (most > scratch.length) scratch = Buffer.allocUnsafe(2 * most)
  const jsonBytes = scratch.write(json, HEAD_BYTES, 'utf8')
  scratch.writeUInt32LE(kind, 0)
  scratch.writeUInt32LE(jsonBytes, 4)
  scratch.writeDoubleLE(sequence, SEQUENCE_AT)
  const valuesAt = (HEAD_BYTES + jsonBytes + 7) & ~7
  scratch.fill(0, HEAD_BYTES + jsonBytes, valuesAt)
  withOneNaN(vector)
  scratch.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), valuesAt)
  // No Buffer: its `slice` would share the memory that the next call writes to.
  return new Uint8Array(scratch.buffer, scratch.byteOffset, valuesAt + vector.byteLength)
}

/** What `encodeDecision` or `encodeLabel` wrote; undefined when it is neither. */
export const decodeLogEntry = (payload: Uint8Array): LogEntry | undefined => {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (bytes.length < HEAD_BYTES) return undefined
  const kind = bytes.readUInt32LE(0)
  const jsonBytes = bytes.readUInt32LE(4)
  const sequence = bytes.readDoubleLE(SEQUENCE_AT)
  const valuesAt = (HEAD_BYTES + jsonBytes + 7) & ~7
  if (valuesAt > bytes.length) return undefined
  const json = JSON.parse(bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + jsonBytes)) as unknown
  if (kind === LABEL) return { kind: 'label', sequence, label: json as LabelEntry }
  if (kind !== DECISION && kind !== REPAIR) return undefined
  // A copy of its own: doubles must stand at a multiple of 8.
  const vector = new Float64Array(new Uint8Array(bytes.subarray(valuesAt)).buffer)
  if (kind === REPAIR) return { kind: 'repair', sequence, repair: json as RepairEntry, words: vector }
  return { kind: 'decision', sequence, decision: json as DecisionEntry, vector }
}

const NO_VALUES = new Float64Array(0)
