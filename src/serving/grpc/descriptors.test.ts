import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { PROTOS_SHA256 } from './descriptors.ts'

it('was generated from the files beside it: otherwise run node scripts/generate-grpc.mjs', () => {
  const folder = fileURLToPath(new URL('protos', import.meta.url))
  const hash = createHash('sha256')
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(`${folder}/${file}`))
  expect(hash.digest('hex')).toBe(PROTOS_SHA256)
})
