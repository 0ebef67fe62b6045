import type { Attribute } from '../transaction/attributes.ts'
import type { Entity } from '../transaction/entities.ts'

/**
 * What a transaction is to one of its two sides, as values that states aggregate like attributes. Their names
 * have a point, so that no attribute is called so. Amounts are those of payments, in minor units;
 * counterparts are tokens; times are epoch milliseconds.
 */
export const SIDE_VALUES = [
  { name: 'side.sent', kind: 'number' },
  { name: 'side.received', kind: 'number' },
  { name: 'side.sent_to', kind: 'text' },
  { name: 'side.received_from', kind: 'text' },
  { name: 'side.sent_at', kind: 'time' },
  { name: 'side.received_at', kind: 'time' },
] as const satisfies readonly Attribute[]

export type SideValue = (typeof SIDE_VALUES)[number]['name']

/** The attributes of events with these entities, and what sides add to them. */
export const valuesOfEvents = (
  attributes: readonly Attribute[],
  entities: readonly Entity[],
): readonly Attribute[] =>
  entities.some(({ side }) => side !== undefined) ? [...attributes, ...SIDE_VALUES] : attributes
