/**
 * What a state belongs to, by its name: whoever pays, whoever is paid, what is paid with, or an entity of the
 * bank's own (`entities.ts`).
 */
export type EntityKind = string

/** The kinds that every transaction may have, by its fields. */
export const ENTITY_KINDS = ['user', 'merchant', 'device'] as const satisfies readonly EntityKind[]

export type StandardKind = (typeof ENTITY_KINDS)[number]

/** The standard kinds and those of a bank's own, in the order in which states are kept. */
export const kindsOf = (own: readonly { readonly name: EntityKind }[]): readonly EntityKind[] => [
  ...ENTITY_KINDS,
  ...own.map(({ name }) => name),
]

/** An entity of the bank's own, as far as it says whose its states are. */
export interface OwnKind {
  readonly name: EntityKind
  /** Absent: they are its own. */
  readonly side?: { readonly of: EntityKind }
}

/** The kind whose states a kind reads and advances: a side has those of its entity. */
export const stateKindOf = (kind: EntityKind, own: readonly OwnKind[]): EntityKind =>
  own.find(({ name }) => name === kind)?.side?.of ?? kind

/** Kinds that have states: both sides of an entity share theirs. */
export const stateKindsOf = (own: readonly OwnKind[]): readonly EntityKind[] => [
  ...new Set([...ENTITY_KINDS, ...own.map(({ name, side }) => side?.of ?? name)]),
]

/** A value for each kind: the standard ones always, and those of a bank's own. */
export type ByKind<T> = Readonly<Record<StandardKind, T>> & Readonly<Record<EntityKind, T>>

/** @param kinds the standard ones among them */
export const byKind = <T>(kinds: readonly EntityKind[], of: (kind: EntityKind) => T): ByKind<T> =>
  Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<EntityKind, T> & ByKind<T>

/** How many of each kind, for people: `3 users, 2 merchants, 0 devices, 5 of ip`. */
export const countsText = (counts: ByKind<number>): string => {
  const own = Object.keys(counts).filter((kind) => !ENTITY_KINDS.includes(kind as StandardKind))
  return [
    ...ENTITY_KINDS.map((kind) => `${counts[kind]} ${kind}s`),
    ...own.map((kind) => `${counts[kind]} of ${kind}`),
  ].join(', ')
}
