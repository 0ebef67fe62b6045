import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settingParams } from '../pipelines/training/record/setting-params.ts'
import { checkTrackingKey, checkTrackingValue } from '../ports/tracking-limits.ts'
import { fitEntries } from './fit-entries.ts'
import { gitCommitOf } from './track-this-process.ts'

describe('entries within the limits of trackers', () => {
  test('are left as they are when they fit', () => {
    const entries = { params: { 'split.method': '"temporal"' }, tags: { año: 'ñ' }, metrics: [metric('a/b')] }
    expect(fitEntries(entries)).toEqual({ ...entries, longValues: {} })
  })

  test('a long value keeps its beginning, says where the whole is, and is there whole', () => {
    const whole = 'x'.repeat(7000)
    const { params, longValues } = fitEntries({ params: { list: whole } })
    expect(params?.['list']).toMatch(/^x{5900,}… \(7000 characters, whole in long-values\.json\)$/)
    expect(params?.['list']).toHaveLength(6000)
    expect(longValues).toEqual({ 'parameter list': whole })
  })

  test('a key that is not allowed gets one that is, and a tag says what it was', () => {
    const { metrics, tags } = fitEntries({ metrics: [metric('100 % of <all>')] })
    expect(metrics?.[0]?.key).toMatch(/^100 _ of _all__[0-9a-f]{8}$/)
    expect(tags).toEqual({ [`vigia.renamed.${metrics?.[0]?.key}`]: '100 % of <all>' })
  })

  test('half a character is replaced, and the value is there as it was', () => {
    expect(fitEntries({ tags: { name: 'a\uD800b' } })).toMatchObject({
      tags: { name: 'a\uFFFDb' },
      longValues: { 'tag name': 'a\uD800b' },
    })
  })

  test('two keys never become one', () => {
    expect(Object.keys(fitEntries({ params: { 'a?': '1', 'a!': '2', a_: '3' } }).params ?? {})).toHaveLength(
      3,
    )
  })

  test('law: whatever comes, what leaves is within the limits and nothing is lost', () => {
    const texts = fc.dictionary(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 9000, size: 'max' }),
    )
    fc.assert(
      fc.property(texts, texts, (params, tags) => {
        const fitted = fitEntries({ params, tags })
        for (const [key, value] of Object.entries(fitted.params ?? {})) {
          checkTrackingKey('Parameter', key)
          checkTrackingValue('param', key, value)
        }
        for (const [key, value] of Object.entries(fitted.tags ?? {})) {
          checkTrackingKey('Tag', key)
          checkTrackingValue('tag', key, value)
        }
        expect(Object.keys(fitted.params ?? {})).toHaveLength(Object.keys(params).length)
        const whole = Object.entries(fitted.params ?? {}).map(
          ([key, value]) => fitted.longValues[`parameter ${key}`] ?? value,
        )
        expect(whole.sort()).toEqual(Object.values(params).sort())
      }),
      { numRuns: 50 },
    )
  })
})

describe('settings as parameters', () => {
  test('are JSON texts, so that nothing and "nothing" differ', () => {
    expect(
      settingParams([
        { path: ['tracking', 'uri'], value: '' },
        { path: ['search', 'folds'], value: 4 },
        { path: ['gap'], value: null },
      ]),
    ).toEqual({ 'tracking.uri': '""', 'search.folds': '4', gap: 'null' })
  })

  test('hold no password of an address', () => {
    expect(settingParams([{ path: ['tracking', 'uri'], value: 'https://me:secret@host/x' }])).toEqual({
      'tracking.uri': '"https://***@host/x"',
    })
  })
})

test('the commit of a repository is that of the folder or of one around it', () => {
  expect(gitCommitOf(import.meta.dirname)).toEqual(gitCommitOf(`${import.meta.dirname}/..`))
  expect(gitCommitOf('/')).toBeUndefined()
})

const metric = (key: string) => ({ key, value: 1, timestampMs: 0, step: 0 })
