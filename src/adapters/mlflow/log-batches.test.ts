import { describe, expect, test } from 'vitest'
import { BATCH_LIMITS, splitLogBatches } from './log-batches.ts'

describe('splitting entries into calls', () => {
  test('no entries are no calls', () => {
    expect(splitLogBatches({})).toEqual([])
    expect(splitLogBatches({ params: {}, metrics: [], tags: {} })).toEqual([])
  })

  test('250 parameters are 100, 100 and 50, in order', () => {
    const batches = splitLogBatches({ params: texts(250, 'p') })
    expect(batches.map(({ params }) => params.length)).toEqual([100, 100, 50])
    expect(batches.flatMap(({ params }) => params.map(({ key }) => key))).toEqual(
      Object.keys(texts(250, 'p')),
    )
  })

  test('metrics fill what parameters and tags leave of 1,000 entries', () => {
    const batches = splitLogBatches({ params: texts(150, 'p'), tags: texts(30, 't'), metrics: values(2000) })
    expect(batches.map(({ params, tags, metrics }) => [params.length, tags.length, metrics.length])).toEqual([
      [100, 30, 870],
      [50, 0, 950],
      [0, 0, 180],
    ])
  })

  test('a call stays under a million bytes, whatever the script', () => {
    const params = Object.fromEntries(Object.keys(texts(90, 'p')).map((key) => [key, '検'.repeat(6000)]))
    const batches = splitLogBatches({ params })
    expect(batches.map((batch) => batch.params.length)).toEqual([55, 35])
    for (const batch of batches) expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(1_000_000)
  })

  test('law: nothing is lost or repeated', () => {
    const entries = { params: texts(1234, 'p'), tags: texts(321, 't'), metrics: values(5678) }
    const batches = splitLogBatches(entries)
    expect(Object.fromEntries(batches.flatMap(({ params }) => params.map((p) => [p.key, p.value])))).toEqual(
      entries.params,
    )
    expect(batches.flatMap(({ tags }) => tags)).toHaveLength(321)
    expect(batches.flatMap(({ metrics }) => metrics.map(({ step }) => step))).toEqual(
      entries.metrics.map(({ step }) => step),
    )
    for (const { params, tags, metrics } of batches)
      expect(params.length + tags.length + metrics.length).toBeLessThanOrEqual(BATCH_LIMITS.entries)
  })

  test('NaN and infinities are words, since JSON has no numbers for them', () => {
    const metrics = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5].map((value) => ({
      key: 'auc',
      value,
      timestampMs: 7,
      step: 1,
    }))
    expect(splitLogBatches({ metrics })[0]?.metrics.map(({ value }) => value)).toEqual([
      'NaN',
      'Infinity',
      '-Infinity',
      0.5,
    ])
  })
})

function texts(count: number, prefix: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, `value ${i}`]))
}

function values(count: number) {
  return Array.from({ length: count }, (_, step) => ({ key: 'loss', value: step / 7, timestampMs: 0, step }))
}
