import { BLOB, BOOLEAN, DOUBLE, DuckDBBlobValue, type DuckDBType, VARCHAR } from '@duckdb/node-api'
import type { AttributeValues } from '../../transaction/attributes.ts'
import {
  type FieldName,
  isTextKind,
  TRANSACTION_FIELDS,
  type TransactionField,
} from '../../transaction/fields.ts'
import type { DecisionEntry, LabelEntry, LogEntry, RepairEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'

/**
 * The columns of the archive, each once, with both directions side by side: what of an entry is written to
 * it, and where what is read from it goes. They stand in files in the order of the lists.
 *
 * Owns names, types and places of columns; knows no files, queries or features.
 */
export interface ArchiveColumn<From extends readonly unknown[], Draft> {
  readonly name: string
  readonly type: DuckDBType
  /** The value; undefined is NULL. */
  readonly write: (...from: From) => unknown
  /** Puts a value that is not NULL where `write` finds it; absent where something else says it. */
  readonly read?: (draft: Draft, value: unknown) => void
}

type Mutable<T> = { -readonly [K in keyof T]?: T[K] }
type DecisionLogEntry = Extract<LogEntry, { readonly kind: 'decision' }>
type LabelLogEntry = Extract<LogEntry, { readonly kind: 'label' }>
type RepairLogEntry = Extract<LogEntry, { readonly kind: 'repair' }>
type Shadow = NonNullable<DecisionEntry['shadow']>
type Drawn = NonNullable<DecisionEntry['controlSample']>

/** A decision on its way back: all parts, filled column by column. */
interface DecisionDraft {
  sequence: number
  readonly decision: Mutable<DecisionEntry>
  readonly transaction: Mutable<DecisionEntry['transaction']>
  readonly shadow: Mutable<Shadow>
  readonly controlSample: Mutable<Drawn>
}

interface LabelDraft {
  sequence: number
  readonly label: Mutable<LabelEntry>
}

interface RepairDraft {
  sequence: number
  readonly repair: Mutable<RepairEntry>
  words: Float64Array
}

type DecisionColumn = ArchiveColumn<[entry: DecisionLogEntry, model: ModelDocument], DecisionDraft>
type LabelColumn = ArchiveColumn<[entry: LabelLogEntry], LabelDraft>
type RepairColumn = ArchiveColumn<[entry: RepairLogEntry], RepairDraft>

const ofDecision = <K extends keyof DecisionEntry>(
  name: string,
  type: DuckDBType,
  key: K,
): DecisionColumn => ({
  name,
  type,
  write: ({ decision }) => decision[key],
  read: ({ decision }, value) => {
    decision[key] = value as DecisionEntry[K]
  },
})

const ofShadow = <K extends keyof Shadow>(name: string, type: DuckDBType, key: K): DecisionColumn => ({
  name,
  type,
  write: ({ decision }) => decision.shadow?.[key],
  read: ({ shadow }, value) => {
    shadow[key] = value as Shadow[K]
  },
})

const ofControlSample = <K extends keyof Drawn>(name: string, type: DuckDBType, key: K): DecisionColumn => ({
  name,
  type,
  write: ({ decision }) => decision.controlSample?.[key],
  read: ({ controlSample }, value) => {
    controlSample[key] = value as Drawn[K]
  },
})

/** For whoever reads the files without the log: the document of the model says it too. */
const ofModel = (name: string, key: 'name' | 'version'): DecisionColumn => ({
  name,
  type: VARCHAR,
  write: (_, model) => model[key],
})

const ofTransaction = ({ name, column, kind }: TransactionField): DecisionColumn => ({
  name: column,
  type: isTextKind(kind) ? VARCHAR : DOUBLE,
  write: ({ decision }) => decision.transaction[name],
  read: ({ transaction }: { transaction: { [K in FieldName]?: unknown } }, value) => {
    transaction[name] = value
  },
})

const ofLabel = <K extends keyof LabelEntry>(name: string, type: DuckDBType, key: K): LabelColumn => ({
  name,
  type,
  write: ({ label }) => label[key],
  read: ({ label }, value) => {
    label[key] = value as LabelEntry[K]
  },
})

const SEQUENCE = {
  name: 'sequence',
  type: DOUBLE,
  write: ({ sequence }: { readonly sequence: number }) => sequence,
  read: (draft: { sequence: number }, value: unknown) => {
    draft.sequence = value as number
  },
}

/** Of a prediction, before the features. */
export const DECISION_COLUMNS: readonly DecisionColumn[] = [
  SEQUENCE,
  ofDecision('decided_at_ms', DOUBLE, 'decidedAtMs'),
  ofDecision('probability', DOUBLE, 'probability'),
  ofDecision('is_flagged', BOOLEAN, 'isFlagged'),
  ofDecision('risk_level', VARCHAR, 'riskLevel'),
  ofDecision('threshold', DOUBLE, 'threshold'),
  ofDecision('model_key', VARCHAR, 'model'),
  ofModel('model_name', 'name'),
  ofModel('model_version', 'version'),
  ofDecision('role', VARCHAR, 'role'),
  ofDecision('latency_ms', DOUBLE, 'latencyMs'),
  ofShadow('shadow_model_key', VARCHAR, 'model'),
  ofShadow('shadow_probability', DOUBLE, 'probability'),
  ofShadow('shadow_is_flagged', BOOLEAN, 'isFlagged'),
  ...TRANSACTION_FIELDS.map(ofTransaction),
  ofDecision('event_timing', VARCHAR, 'timing'),
  ofControlSample('control_sample', VARCHAR, 'drawn'),
  ofControlSample('control_sample_propensity', DOUBLE, 'propensity'),
  {
    // JSON: the names of the attributes that were not sent, but looked up.
    name: 'looked_up',
    type: VARCHAR,
    write: ({ decision: { transaction } }) => transaction.lookedUp && JSON.stringify(transaction.lookedUp),
    read: ({ transaction }, value) => {
      transaction.lookedUp = JSON.parse(value as string) as string[]
    },
  },
  {
    // JSON, because the models of a log may have different attributes, and its files one layout.
    name: 'attributes',
    type: VARCHAR,
    write: ({ decision: { transaction } }) =>
      transaction.attributes && JSON.stringify(transaction.attributes),
    read: ({ transaction }, value) => {
      transaction.attributes = JSON.parse(value as string) as AttributeValues
    },
  },
]

/** `date` is the folder's, which readers may ask for as a column. */
const TAKEN: ReadonlySet<string> = new Set([...DECISION_COLUMNS.map(({ name }) => name), 'date'])

/**
 * The column of a feature: its name, behind `feature_` where an attribute has named it like a column
 * above.
 */
export const featureColumn = (feature: string): string =>
  TAKEN.has(feature.toLowerCase()) ? `feature_${feature}` : feature

/** Of a label. */
export const LABEL_COLUMNS: readonly LabelColumn[] = [
  SEQUENCE,
  ofLabel('received_at_ms', DOUBLE, 'receivedAtMs'),
  ofLabel('transaction_id', VARCHAR, 'transactionId'),
  {
    // NULL is a label that was taken back.
    name: 'is_fraud',
    type: BOOLEAN,
    write: ({ label }) => label.isFraud,
    read: ({ label }, value) => {
      label.isFraud = value as boolean
    },
  },
  ofLabel('is_applied', BOOLEAN, 'isApplied'),
  ofLabel('user_id', VARCHAR, 'userId'),
  ofLabel('merchant_id', VARCHAR, 'merchantId'),
  ofLabel('device_id', VARCHAR, 'deviceId'),
  ofLabel('event_time_ms', DOUBLE, 'eventTimeMs'),
  ofLabel('transaction_token', DOUBLE, 'transactionToken'),
  ofLabel('origin', VARCHAR, 'origin'),
  ofLabel('was_fraud', BOOLEAN, 'known'),
  {
    name: 'is_waiting',
    type: BOOLEAN,
    write: ({ label }) => label.isWaiting,
    read: ({ label }) => {
      label.isWaiting = true
    },
  },
  {
    // JSON: tokens by kind of entity.
    name: 'own_entities',
    type: VARCHAR,
    write: ({ label }) => label.own && JSON.stringify(label.own),
    read: ({ label }, value) => {
      label.own = JSON.parse(value as string) as NonNullable<LabelEntry['own']>
    },
  },
  ofLabel('layout', VARCHAR, 'layout'),
]

const ofRepair = <K extends keyof RepairEntry>(name: string, type: DuckDBType, key: K): RepairColumn => ({
  name,
  type,
  write: ({ repair }) => repair[key],
  read: ({ repair }, value) => {
    repair[key] = value as RepairEntry[K]
  },
})

/** Of a repaired state. */
export const REPAIR_COLUMNS: readonly RepairColumn[] = [
  SEQUENCE,
  ofRepair('repaired_at_ms', DOUBLE, 'repairedAtMs'),
  ofRepair('basis', DOUBLE, 'basis'),
  ofRepair('kind', VARCHAR, 'kind'),
  ofRepair('token', DOUBLE, 'token'),
  {
    // As `encodeState` writes them: 64-bit little-endian floats.
    name: 'words',
    type: BLOB,
    write: ({ words }) =>
      new DuckDBBlobValue(new Uint8Array(words.buffer, words.byteOffset, words.byteLength)),
    read: (draft, value) => {
      draft.words = new Float64Array(new Uint8Array((value as DuckDBBlobValue).bytes).buffer)
    },
  },
  ofRepair('layout', VARCHAR, 'layout'),
]

/**
 * The values of a row, by column; null or undefined: missing. A file from before a column has none of it.
 */
export type ColumnValue = (name: string) => unknown

/** The entry of a row of `predictions`, but for its vector of features. */
export const decisionOf = (value: ColumnValue, vector: Float64Array): LogEntry => {
  const draft: DecisionDraft = { sequence: 0, decision: {}, transaction: {}, shadow: {}, controlSample: {} }
  readColumns(DECISION_COLUMNS, value, draft)
  const { sequence, decision, transaction, shadow, controlSample } = draft
  decision.transaction = transaction as DecisionEntry['transaction']
  if (shadow.model !== undefined) decision.shadow = shadow as Shadow
  if (controlSample.drawn !== undefined) decision.controlSample = controlSample as Drawn
  return { sequence, kind: 'decision', vector, decision: decision as DecisionEntry }
}

/** The entry of a row of `labels`. */
export const labelOf = (value: ColumnValue): LogEntry => {
  const draft: LabelDraft = { sequence: 0, label: { isFraud: null } }
  readColumns(LABEL_COLUMNS, value, draft)
  return { sequence: draft.sequence, kind: 'label', label: draft.label as LabelEntry }
}

/** The entry of a row of `repairs`. */
export const repairOf = (value: ColumnValue): LogEntry => {
  const draft: RepairDraft = { sequence: 0, repair: {}, words: new Float64Array(0) }
  readColumns(REPAIR_COLUMNS, value, draft)
  const { sequence, repair, words } = draft
  return { sequence, kind: 'repair', repair: repair as RepairEntry, words }
}

const readColumns = <Draft>(
  columns: readonly ArchiveColumn<never, Draft>[],
  value: ColumnValue,
  draft: Draft,
): void => {
  for (const { name, read } of columns) {
    const found = value(name) ?? undefined
    if (found !== undefined) read?.(draft, found)
  }
}
