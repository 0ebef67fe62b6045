import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOf, createSharedParts, floatsOf, integersOf } from '../shared-parts.ts'
import { type BinColumn, openKernels } from './kernels.ts'

/** Each loop beside the plain one that anybody can believe, on random rows: the same bits. */
const BINS = 300

test.each([1, 2])('law: histograms are those of a plain loop, with bins of %d bytes', (bytes) => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 4 }), ({ rows, from, to }, features) => {
      const { columns, order, pairs, sums, kernels } = open(rows, bytes)
      const stride = 2 * BINS
      kernels.addToHistograms(columns.slice(0, features), order, pairs, from, to, sums, stride, stride)
      const expected = new Float64Array(sums.length)
      for (let f = 0; f < features; f++)
        for (let i = from; i < to; i++) {
          const at = stride + f * stride + 2 * columns[f]![order[i]!]!
          expected[at]! += pairs[2 * i]!
          expected[at + 1]! += pairs[2 * i + 1]!
        }
      expect(sums).toStrictEqual(expected)
    }),
  )
})

test.each([1, 2])('law: rows that go left come first, each with its pair, with bins of %d bytes', (bytes) => {
  fc.assert(
    fc.property(tables, fc.boolean(), ({ rows, from, to }, withPairs) => {
      const { columns, order, pairs, marks, target, kernels } = open(rows, bytes)
      const isLeft = (i: number): boolean => marks[columns[0]![order[i]!]!] === 1
      const middle = kernels.partRows(columns[0]!, marks, { order, pairs }, target, from, to, withPairs)
      const places = Array.from({ length: to - from }, (_, i) => from + i)
      const left = places.filter(isLeft)
      const right = places.filter((i) => !isLeft(i)).reverse()
      expect(middle).toBe(from + left.length)
      expect([...target.order.subarray(from, to)]).toEqual([...left, ...right].map((i) => order[i]))
      expect([...target.pairs.subarray(2 * from, 2 * to)]).toEqual(
        [...left, ...right].flatMap((i) => (withPairs ? [pairs[2 * i], pairs[2 * i + 1]] : [0, 0])),
      )
      // What lies around is not touched.
      expect(target.order.subarray(to).every((row) => row === 0)).toBe(true)
    }),
  )
})

test('the assembled loops are those of scripts/kernels.mjs', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-kernels.mjs', '--check'])
  expect(String(stderr)).toBe('')
  expect(status).toBe(0)
})

const tables = fc.integer({ min: 1, max: 60 }).chain((count) =>
  fc.record({
    rows: fc.array(
      fc.record({
        bins: fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: BINS - 1 }))),
        pair: fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })),
      }),
      { minLength: count, maxLength: count },
    ),
    from: fc.integer({ min: 0, max: count }),
    to: fc.constant(count),
  }),
)

type Row = { readonly bins: readonly number[]; readonly pair: readonly number[] }

const open = (rows: readonly Row[], bytes: number) => {
  const count = rows.length
  const parts = createSharedParts({
    bins: 4 * count * bytes,
    order: 4 * count,
    pairs: 16 * count,
    targetOrder: 4 * (count + 1),
    targetPairs: 16 * (count + 1),
    sums: 5 * BINS * 16,
    marks: BINS,
  })
  const all = bytesOf(parts, 'bins')
  const columns: BinColumn[] = [0, 1, 2, 3].map((f) =>
    bytes === 1
      ? all.subarray(f * count, (f + 1) * count)
      : new Uint16Array(all.buffer, all.byteOffset + 2 * f * count, count),
  )
  columns.forEach((column, f) => {
    rows.forEach(({ bins }, row) => {
      column[row] = bytes === 1 ? bins[f]! % 256 : bins[f]!
    })
  })
  const order = integersOf(parts, 'order')
  const pairs = floatsOf(parts, 'pairs')
  rows.forEach(({ pair }, row) => {
    order[row] = (row * 7) % count
    pairs.set(pair, 2 * row)
  })
  const marks = bytesOf(parts, 'marks')
  marks.forEach((_, bin) => {
    marks[bin] = (bin * 11) % 3 === 0 ? 1 : 0
  })
  return {
    columns,
    order,
    pairs,
    marks,
    sums: floatsOf(parts, 'sums'),
    target: { order: integersOf(parts, 'targetOrder'), pairs: floatsOf(parts, 'targetPairs') },
    kernels: openKernels(parts.memory),
  }
}
