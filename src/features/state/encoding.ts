import { VigiaError } from '../../errors.ts'
import { isPowerOfTwo } from '../../foundation/elementary/whole-powers.ts'
import { withOneNaN } from '../../foundation/one-nan.ts'
import { leaveOutIndexes, rebuildIndexes } from './aggregates/value-index.ts'
import { dimensionHeaderAt, readRing, startBlock, tableAt, writeRing } from './blocks.ts'
import { type BlockAllocator, EntityState } from './entity-state.ts'
import { DIMENSION, HEADER, type StateLayout } from './layout.ts'
import { PastSteps } from './steps/past-steps.ts'

const WORD_BYTES = 8

/**
 * The state as bytes: 64-bit little-endian floats, without the unused room of ring and tables; at their end,
 * where a full ring has been left, its steps. The first word is the layout's schema hash. Equal states of
 * equal history have equal bytes.
 */
export const encodeState = (layout: StateLayout, { data, base, past }: EntityState): Uint8Array => {
  const { ringAt, fieldCount } = layout
  const rows = data[base + HEADER.next]! - data[base + HEADER.first]!
  const known = ringAt + rows * fieldCount + tableWords(layout, data, base)
  const words = new Float64Array(known + (past?.words ?? 0))
  words.set(data.subarray(base, base + ringAt))
  let at = ringAt + readRing(layout, data, base, words, ringAt)
  leaveOutIndexes(layout, words, ringAt, rows)
  leaveOutPassed(layout, words, rows)
  for (let d = 0; d < layout.needs.dimensions.length; d++) {
    const headerAt = base + dimensionHeaderAt(layout, d)
    const size = data[headerAt + DIMENSION.size]!
    const capacity = data[headerAt + DIMENSION.capacity]!
    const table = base + tableAt(layout, data, base, d)
    for (let part = 0; part < 3; part++, at += size) {
      words.set(data.subarray(table + part * capacity, table + part * capacity + size), at)
    }
  }
  past?.write(words, known)
  return new Uint8Array(withOneNaN(words).buffer)
}

/**
 * The state that `encodeState` wrote; `entity` names it in errors.
 *
 * @throws FEATURES_STATE_INCOMPATIBLE when it was written with another layout (other features, windows or
 * bounds)
 * @throws FEATURES_STATE_CORRUPT when the bytes are no state
 */
export const decodeState = (
  layout: StateLayout,
  blocks: BlockAllocator,
  bytes: Uint8Array,
  entity: string,
): EntityState => {
  const { ringAt, fieldCount } = layout
  const corrupt = (reason: string) => new VigiaError('FEATURES_STATE_CORRUPT', { entity, reason })
  if (bytes.length % WORD_BYTES !== 0 || bytes.length < WORD_BYTES) {
    throw corrupt(`${bytes.length} bytes are no whole number of words`)
  }
  // A copy from byte 0 of its own buffer: a Buffer that shares memory would give its neighbours too.
  const words = new Float64Array(new Uint8Array(bytes).buffer)
  if (words[HEADER.schema] !== layout.schemaHash) {
    throw new VigiaError('FEATURES_STATE_INCOMPATIBLE', {
      entity,
      got: words[HEADER.schema]!.toString(16),
      allowed: layout.schemaHash.toString(16),
    })
  }
  if (words.length < ringAt) throw corrupt(`${words.length} words are fewer than a header's ${ringAt}`)
  const rows = words[HEADER.next]! - words[HEADER.first]!
  const capacity = words[HEADER.ringCapacity]!
  if (!(rows >= 0 && rows <= capacity && isPowerOfTwo(capacity))) {
    throw corrupt(`${rows} transactions in a ring of ${capacity}`)
  }
  const expected = ringAt + rows * fieldCount + tableWords(layout, words, 0)
  const past = words.length > expected ? new PastSteps(layout) : undefined
  if (words.length < expected || past?.read(words, expected) === false)
    throw corrupt(`${words.length} words instead of ${expected}, and no steps`)
  const tables = layout.needs.dimensions.map(
    (_, d) => words[dimensionHeaderAt(layout, d) + DIMENSION.capacity]!,
  )
  const state = new EntityState(NO_WORDS, 0, 0)
  state.past = past
  startBlock(layout, blocks, state, capacity, tables)
  const { data, base } = state
  data.set(words.subarray(0, ringAt), base)
  let at = ringAt + writeRing(layout, data, base, words, ringAt)
  rebuildIndexes(layout, data, base)
  for (let d = 0; d < tables.length; d++) {
    const size = words[dimensionHeaderAt(layout, d) + DIMENSION.size]!
    const table = base + tableAt(layout, data, base, d)
    for (let part = 0; part < 3; part++, at += size) {
      data.set(words.subarray(at, at + size), table + part * tables[d]!)
    }
  }
  return state
}

/**
 * Links to rows that have left the ring say nothing any more, and are no link: equal rings have equal bytes,
 * whatever has been in them.
 */
const leaveOutPassed = (layout: StateLayout, words: Float64Array, rows: number): void => {
  const { ringAt, fieldCount, greaterField, aggregates } = layout
  const first = words[HEADER.first]!
  const end = ringAt + rows * fieldCount
  const leaveOut = (field: number): void => {
    for (let at = ringAt + field; at < end; at += fieldCount) if (words[at]! < first) words[at] = -1
  }
  if (greaterField >= 0) leaveOut(greaterField)
  for (const { keeps, at, field } of aggregates.placed) {
    if (keeps !== 'maximum') continue
    leaveOut(field)
    if (words[at]! < first) words[at] = -1
  }
}

/** Words of the filled part of all tables. */
const tableWords = (layout: StateLayout, data: Float64Array, base: number): number => {
  let words = 0
  for (let d = 0; d < layout.needs.dimensions.length; d++) {
    words += 3 * data[base + dimensionHeaderAt(layout, d) + DIMENSION.size]!
  }
  return words
}

const NO_WORDS = new Float64Array(0)
