import type { EntityState } from './entity-state.ts'
import { HEADER, type StateLayout } from './layout.ts'
import { ValueLinks } from './value-links.ts'

/** Up to so many rows a value is found by looking through the ring. */
const SEARCHED_ROWS = 64
/** Up to so many values are looked for one after the other; more in one pass. */
const SEARCHED_VALUES = 4

/** The links of `state`, where its ring is too long to be looked through. */
export const linksOf = (layout: StateLayout, state: EntityState): ValueLinks | undefined => {
  const capacity = state.data[state.base + HEADER.ringCapacity]!
  if (capacity <= SEARCHED_ROWS) return undefined
  if (state.links?.capacity !== capacity)
    state.links = new ValueLinks(capacity, layout.needs.dimensions.length)
  return state.links
}

/** Makes known where the values of dimension `d` in the rows from `from` on stood before them. */
export const linkRows = (
  layout: StateLayout,
  { data, base }: EntityState,
  links: ValueLinks,
  d: number,
  from: number,
): void => {
  const first = data[base + HEADER.first]!
  const next = data[base + HEADER.next]!
  let wanted: Map<number, number> | undefined
  for (let sequence = next - 1; sequence >= from; sequence--) {
    const token = tokenAt(layout, data, base, d, sequence)
    const later = wanted?.get(token)
    if (later !== undefined) {
      links.link(d, later, sequence, first)
      wanted!.delete(token)
    }
    if (token === 0 || links.distanceOf(d, sequence) !== 0) continue
    wanted ??= new Map()
    wanted.set(token, sequence)
  }
  if (wanted === undefined) return
  if (wanted.size <= SEARCHED_VALUES) {
    for (const [token, sequence] of wanted)
      links.link(d, sequence, lastValueBefore(layout, data, base, d, token, from), first)
    return
  }
  for (let sequence = from - 1; sequence >= first && wanted.size > 0; sequence--) {
    const token = tokenAt(layout, data, base, d, sequence)
    const later = wanted.get(token)
    if (later === undefined) continue
    links.link(d, later, sequence, first)
    wanted.delete(token)
  }
  for (const sequence of wanted.values()) links.link(d, sequence, -1, first)
}

/** Sequence number at which `token` last stood in the ring before `end`, or -1. */
export const lastValueBefore = (
  { ringAt, fieldCount, dimensionField }: StateLayout,
  data: Float64Array,
  base: number,
  d: number,
  token: number,
  end: number,
): number => {
  const mask = data[base + HEADER.ringCapacity]! - 1
  const at = base + ringAt + dimensionField + d
  const first = data[base + HEADER.first]!
  for (let sequence = end - 1; sequence >= first; sequence--) {
    if (Math.abs(data[at + (sequence & mask) * fieldCount]!) === token) return sequence
  }
  return -1
}

const tokenAt = (
  { ringAt, fieldCount, dimensionField }: StateLayout,
  data: Float64Array,
  base: number,
  d: number,
  sequence: number,
): number => {
  const slot = sequence & (data[base + HEADER.ringCapacity]! - 1)
  return Math.abs(data[base + ringAt + slot * fieldCount + dimensionField + d]!)
}
