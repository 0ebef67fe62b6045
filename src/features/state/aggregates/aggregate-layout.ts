import type { AttributeKind } from '../../../transaction/attributes.ts'
import type { NamedWindow } from '../named-window.ts'

/**
 * What is kept of an attribute: exact sums, the largest value, how many different ones, how often the value
 * at hand, or the last one.
 */
export type Kept = 'sum' | 'maximum' | 'distinct' | 'share' | 'last'

/** What the features of one entity ask its state to keep of one attribute. */
export interface AggregateNeed {
  readonly attribute: string
  readonly kind: AttributeKind
  readonly keeps: Kept
  /** Of a sum: it is one of whole steps of 10^-decimals. */
  readonly decimals?: number
  /** Windows `(t - w, t]`, ascending; none for the last value. */
  readonly windows: readonly NamedWindow[]
}

/** Where the ring has the values of one attribute. */
export interface AttributeField {
  readonly attribute: string
  readonly kind: AttributeKind
  readonly valueField: number
  /** Where equal values are found again (see `ValueIndex`); -1: they are not asked for. */
  readonly chainField: number
  readonly headField: number
}

/** One need with its place in the block and in the ring. */
export interface PlacedAggregate extends AggregateNeed {
  /** Its words begin there, from the block's base. */
  readonly at: number
  readonly values: AttributeField
  /** First of its own ring fields; -1 without any. */
  readonly field: number
}

/** Where a block keeps what is asked of attributes. */
export interface AggregatesLayout {
  readonly attributes: readonly AttributeField[]
  readonly placed: readonly PlacedAggregate[]
  /** First ring field after those of aggregates. */
  readonly fieldCount: number
  /** First word after those of aggregates. */
  readonly end: number
}

/**
 * Words before the windows, words of each window, and ring fields beside the value. `ringFields` may depend
 * on the number of windows.
 */
const SIZES: Readonly<
  Record<Kept, { head: number; window: number; ringFields: (windows: number) => number }>
> = {
  sum: { head: 0, window: 5, ringFields: () => 0 },
  maximum: { head: 1, window: 2, ringFields: () => 2 },
  distinct: { head: 0, window: 2, ringFields: () => 0 },
  share: { head: 0, window: 2, ringFields: (windows) => windows },
  last: { head: 2, window: 0, ringFields: () => 0 },
}

/** Words before the windows of an aggregate. */
export const headWords = ({ keeps }: AggregateNeed): number => SIZES[keeps].head

/** Words of one window of an aggregate; the first is where the window starts in the ring. */
export const wordsOfWindow = ({ keeps }: AggregateNeed): number => SIZES[keeps].window

/**
 * Gives every need its place: words from `at` on, ring fields from `fieldCount` on. An attribute has one
 * field for its values, whatever is asked of it.
 */
export const placeAggregates = (
  needs: readonly AggregateNeed[],
  fieldCount: number,
  at: number,
): AggregatesLayout => {
  let nextField = fieldCount
  let nextWord = at
  const attributes = new Map<string, AttributeField>()
  for (const { attribute, kind } of needs) {
    if (attributes.has(attribute)) continue
    const isIndexed = needs.some((one) => one.attribute === attribute && isOfEqualValues(one))
    attributes.set(attribute, {
      attribute,
      kind,
      valueField: nextField++,
      chainField: isIndexed ? nextField++ : -1,
      headField: isIndexed ? nextField++ : -1,
    })
  }
  const placed = needs.map((need): PlacedAggregate => {
    const { ringFields } = SIZES[need.keeps]
    const fields = ringFields(need.windows.length)
    const place = {
      ...need,
      at: nextWord,
      values: attributes.get(need.attribute)!,
      field: fields === 0 ? -1 : nextField,
    }
    nextWord += headWords(need) + need.windows.length * wordsOfWindow(need)
    nextField += fields
    return place
  })
  return { attributes: [...attributes.values()], placed, fieldCount: nextField, end: nextWord }
}

const isOfEqualValues = ({ keeps }: AggregateNeed): boolean => keeps === 'distinct' || keeps === 'share'
