import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256, sha256OfStream } from './hash.ts'

test('the hashes of the standard (FIPS 180-4 examples)', () => {
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('text is hashed as UTF-8', () => {
  expect(sha256('año')).toBe(sha256(new Uint8Array([0x61, 0xc3, 0xb1, 0x6f])))
})

test('law: a stream has the hash of its whole content, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), async (chunks) => {
      expect(await sha256OfStream(stream(chunks))).toBe(sha256(Buffer.concat(chunks)))
    }),
  )
})

async function* stream(chunks: readonly Uint8Array[]) {
  yield* chunks
}
