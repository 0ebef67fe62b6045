import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dedupKeyOf } from './alert-key.ts'

describe('the key of an alert', () => {
  test('names model, kind and segment', () => {
    expect(dedupKeyOf({ model: 'fraud', kind: 'drift', segment: 'country=ES' })).toBe(
      'vigia/fraud/drift/country=ES',
    )
    expect(dedupKeyOf({ model: 'fraud', kind: 'drift', segment: '' })).toBe('vigia/fraud/drift/all')
    expect(dedupKeyOf({ model: 'a/b', kind: 'drift', segment: 'x y%' })).toBe('vigia/a%2Fb/drift/x%20y%25')
    expect(dedupKeyOf({ model: 'detección', kind: 'drift', segment: 'año' })).toBe(
      'vigia/detección/drift/año',
    )
  })

  test('is cut to 255 bytes in whole characters, and ends with a hash then', () => {
    const key = dedupKeyOf({ model: 'fraud', kind: 'drift', segment: '💶'.repeat(100) })
    expect(Buffer.byteLength(key)).toBeLessThanOrEqual(255)
    expect(key).toMatch(/^vigia\/fraud\/drift\/(💶)+~[0-9a-f]{32}$/u)
  })

  test('law: two subjects have two keys, of at most 255 bytes, on one line', () => {
    const part = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    const subject = fc.record({
      model: part,
      kind: part,
      segment: fc.oneof(part, fc.constantFrom('', 'all')),
    })
    fc.assert(
      fc.property(subject, subject, (a, b) => {
        const keys = [dedupKeyOf(a), dedupKeyOf(b)]
        for (const key of keys) {
          expect(Buffer.byteLength(key)).toBeLessThanOrEqual(255)
          expect(key).not.toMatch(/\s|\p{Cc}/u)
          expect(key).not.toMatch(/\p{Cs}/u)
        }
        expect(keys[0] === keys[1]).toBe(a.model === b.model && a.kind === b.kind && a.segment === b.segment)
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  test('parts cannot pass for others', () => {
    const keys = [
      { model: 'a/b', kind: 'c', segment: 'd' },
      { model: 'a', kind: 'b/c', segment: 'd' },
      { model: 'a', kind: 'b', segment: 'c/d' },
      { model: 'a', kind: 'b', segment: 'all' },
      { model: 'a', kind: 'b', segment: '' },
      { model: 'a', kind: 'b', segment: '%61ll' },
      { model: 'a', kind: 'b', segment: '\ud83d' },
      { model: 'a', kind: 'b', segment: '\ud83e' },
    ].map(dedupKeyOf)
    expect(new Set(keys).size).toBe(keys.length)
  })
})
