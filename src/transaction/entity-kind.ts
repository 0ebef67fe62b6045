/** What a state belongs to: whoever pays, whoever is paid, and what is paid with. */
export type EntityKind = 'user' | 'merchant' | 'device'

export const ENTITY_KINDS: readonly EntityKind[] = ['user', 'merchant', 'device']
