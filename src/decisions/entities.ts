import type { EntityKind } from '../transaction/entity-kind.ts'

/** Whose transaction it is. */
export interface Entities {
  readonly userId: string
  readonly merchantId?: string | undefined
  readonly deviceId?: string | undefined
  /** Tokens of the entities of the bank's own that the transaction names, by kind; absent: none. */
  readonly own?: Readonly<Record<EntityKind, number>> | undefined
}
