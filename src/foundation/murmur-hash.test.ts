import { expect, test } from 'vitest'
import { murmurHash52 } from './murmur-hash.ts'

// Reference: mmh3.hash128(text, seed=0, x64arch=False) of Python's mmh3 5.3.1, first lane and low 20 bits of
// the second.
test.each(referenceVectors())('the hash of %j is MurmurHash3_x86_128, cut to 52 bits', (text, expected) => {
  const bytes = new TextEncoder().encode(text)
  expect(murmurHash52(bytes, 0, bytes.length)).toBe(expected)
})

test('a byte range hashes like the same bytes alone', () => {
  const padded = new TextEncoder().encode('..CARD-000123..')
  const alone = new TextEncoder().encode('CARD-000123')
  expect(murmurHash52(padded, 2, 13)).toBe(murmurHash52(alone, 0, 11))
})

function referenceVectors(): [string, number][] {
  return [
    ['', 0],
    ['a', 1882482682401596],
    ['ab', 3993495312552415],
    ['abcd', 4440028050017450],
    ['C00041', 3850908628194994],
    ['hello, world', 2685138578268252],
    ['The quick brown fox jumps over the lazy dog', 3989471357141955],
    ['São Paulo', 4230574421232161],
    ['0123456789abcdef', 4172693796373513],
    ['0123456789abcdefg', 3158306333890614],
  ]
}
