import type { Attribute } from './attributes.ts'
import { ENTITY_KINDS, type EntityKind } from './entity-kind.ts'
import { type FieldName, isTextKind, TRANSACTION_FIELDS } from './fields.ts'
import type { Transaction } from './transaction.ts'

/**
 * Entities of a bank's own, beside user, merchant and device: an IP address, an e-mail domain, a pair of user
 * and merchant. Each has states of its own, named by fields and attributes of the transaction.
 */

/** What is computed of an entity. */
export type EntityFeature =
  | 'counts'
  | 'amounts'
  | 'spread'
  | 'maximum'
  | 'refunds'
  | 'life'
  | 'time'
  | 'risk'
  | 'run'
  | SideFeature

/** What is computed of a side alone. */
export type SideFeature = 'flow' | 'fan' | 'counterparty'

/** The sides of an entity that sends and receives. */
export type Side = 'sender' | 'receiver'

/**
 * One of two sides that have common states: an account that sends in one transaction and receives in another
 * is one account, whose state knows both. A transaction that names the same one on both sides has no
 * receiver.
 */
export interface EntitySide {
  /** The entity, by the kind of its states. */
  readonly of: EntityKind
  readonly is: Side
  /** The other side, by its kind. */
  readonly other: EntityKind
  /** What names the other side. */
  readonly otherId: readonly string[]
}

/** One entity, as it was declared, with what its features are. */
export interface Entity {
  /** Lower case letters, digits and `_`; names of its features begin with it. */
  readonly name: EntityKind
  /** Fields, as requests name them, and attributes whose values together name it. */
  readonly id: readonly string[]
  /** It is one of the two sides of an entity; absent: it has states of its own. */
  readonly side?: EntitySide
  /** What it is called in sentences. */
  readonly word: string
  readonly features: readonly EntityFeature[]
  /** Windows of its behaviour, by name, ascending. */
  readonly windows: readonly string[]
  /** Windows of its labels, by name, ascending. */
  readonly riskWindows: readonly string[]
  /** What of its transactions is counted apart: how many different ones in each window. */
  readonly distinct: readonly string[]
  /** What is compared with its past: whether it is new here, and how usual. */
  readonly habits: readonly string[]
  /** Most transactions kept for each. */
  readonly transactions: number
}

/** What an entity may be called. */
export const ENTITY_NAME = '^[a-z][a-z0-9_]{0,30}$'

/** Other words for values of transactions that states remember; no entity may be called so. */
export const RESERVED_ENTITY_NAMES: readonly string[] = [
  ...ENTITY_KINDS,
  'category',
  'location',
  'transaction',
  'pending',
  'counterparty',
]

/** Texts have no line ends, so that joined ids differ where their parts do. */
const SEPARATOR = '\n'

/** Where a part of an id stands in a transaction. */
type Part = { readonly field: FieldName } | { readonly attribute: string }

const FIELDS_BY_WIRE = new Map(
  TRANSACTION_FIELDS.filter(({ kind }) => isTextKind(kind)).map(({ wire, name }) => [wire as string, name]),
)

/** Whether a field of every transaction may name an entity. */
export const isIdField = (wire: string): boolean => FIELDS_BY_WIRE.has(wire)

/** What the code calls such a field; undefined for any other. */
export const idFieldOf = (wire: string): FieldName | undefined => FIELDS_BY_WIRE.get(wire)

/** Columns of prepared data that hold the parts of an id, in their order. */
const idColumns = (id: readonly string[], columnOf: (attribute: string) => string): readonly string[] =>
  id.map((part) => (FIELDS_BY_WIRE.has(part) ? part : columnOf(part)))

/** The id of the entity in a cleaned transaction; undefined when a part is missing: it names none. */
export type EntityIdOf = (transaction: Transaction) => string | undefined

export const entityIdOf = ({ id, side }: Pick<Entity, 'id' | 'side'>): EntityIdOf => {
  const own = joinedId(id)
  if (side?.is !== 'receiver') return own
  const other = joinedId(side.otherId)
  return (transaction) => {
    const text = own(transaction)
    return text === other(transaction) ? undefined : text
  }
}

const joinedId = (id: readonly string[]): EntityIdOf => {
  const parts = id.map((part): Part => {
    const field = FIELDS_BY_WIRE.get(part)
    return field === undefined ? { attribute: part } : { field }
  })
  return (transaction) => {
    let text: string | undefined
    for (const part of parts) {
      const value = 'field' in part ? transaction[part.field] : transaction.attributes?.[part.attribute]
      if (value === undefined) return undefined
      text = text === undefined ? String(value) : `${text}${SEPARATOR}${value}`
    }
    return text
  }
}

/**
 * `entityIdOf` as SQL over the columns of prepared data: empty text where the transaction names none.
 *
 * @param columnOf the column of an attribute
 */
export const entityIdSql = (
  { id, side }: Pick<Entity, 'id' | 'side'>,
  columnOf: (attribute: string) => string,
): string => {
  const own = joinedIdSql(idColumns(id, columnOf))
  if (side?.is !== 'receiver') return own
  return `CASE WHEN ${own} = ${joinedIdSql(idColumns(side.otherId, columnOf))} THEN '' ELSE ${own} END`
}

const joinedIdSql = (columns: readonly string[]): string => {
  const [only, ...others] = columns
  if (others.length === 0) return `coalesce(${only}, '')`
  const isWhole = columns.map((column) => `${column} IS NOT NULL`).join(' AND ')
  return `CASE WHEN ${isWhole} THEN concat_ws(chr(10), ${columns.join(', ')}) ELSE '' END`
}

/** Whether an attribute may name an entity: text that both sides write alike. */
export const isIdAttribute = ({ kind }: Pick<Attribute, 'kind'>): boolean =>
  kind === 'category' || kind === 'text'
