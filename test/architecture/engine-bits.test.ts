import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { engineBitsIn } from './engine-bits.ts'
import { isShipped, readSources } from './shape.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

it('no source computes what another JavaScript engine computes otherwise', () => {
  expect(readSources(ROOT, ['src']).filter(isShipped).flatMap(engineBitsIn)).toEqual([])
})

it('no thread ends itself by closing its port: not every runtime ends it then', () => {
  const closing = readSources(ROOT, ['src']).filter(({ text }) => /\bparentPort\??\.close\(/.test(text))
  expect(closing.map(({ path }) => path)).toEqual([])
})

const ADVICE = 'has other bits in other engines: use src/foundation/elementary'

it('the check finds functions that are not fixed, Math handed on, and powers that may be rounded', () => {
  const text = [
    'const a = 1',
    'export const b = Math.log(a) // é',
    'export const f = [a].map(Math.exp)',
    "export const g = Math['sin'](a)",
    'const { cos } = Math',
    'export const h = a ** 2 + 10 ** a',
    'export const i = 2 ** -0.5 + 10 ** -2 + 10 ** 23',
    'export let k = 2',
    'k **= 3',
  ].join('\n')
  expect(engineBitsIn({ path: 'a.ts', text })).toEqual([
    `a.ts:2: Math.log ${ADVICE}`,
    `a.ts:3: Math.exp ${ADVICE}`,
    `a.ts:4: Math.[...] ${ADVICE}`,
    `a.ts:5: Math as a whole ${ADVICE}`,
    `a.ts:6: ** ${ADVICE}`,
    `a.ts:6: ** ${ADVICE}`,
    `a.ts:7: ** ${ADVICE}`,
    `a.ts:7: ** ${ADVICE}`,
    `a.ts:7: ** ${ADVICE}`,
    `a.ts:9: ** ${ADVICE}`,
  ])
})

it('the check lets pass what ECMAScript fixes', () => {
  const text = `
    export const a = Math.sqrt(Math.fround(Math.abs(2 ** 53 - 1))) * Math.PI + 2 ** -1074 + 10 ** 22 + 1024 ** 3
    export const b = (bits: bigint) => 2n ** bits
    export const message = 'Math.log and 2 ** x' // Math.exp(x ** y)
  `
  expect(engineBitsIn({ path: 'a.ts', text })).toEqual([])
})
