import type { EntityKey } from '../ports/state-store.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'

/** Whose transaction it is. */
export interface Entities {
  readonly userId?: string | undefined
  readonly merchantId?: string | undefined
  readonly deviceId?: string | undefined
  /** Tokens of the entities of the bank's own that the transaction names, by kind; absent: none. */
  readonly own?: Readonly<Record<EntityKind, number>> | undefined
}

/** A state that a transaction or a label needs, and for which kind: a side of an entity, or its own. */
export interface NamedKey extends EntityKey {
  readonly source: EntityKind
}
