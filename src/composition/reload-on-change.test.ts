import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readSecrets } from './reload-on-change.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pem = join(folder, 'some.pem')
writeFileSync(pem, 'text of the file')
const none = {
  guarded_by: 'keys' as const,
  keys: '',
  tls_key: '',
  tls_certificate: '',
  cors_origins: [],
  trusted_proxies: [],
}

it('speaks plain HTTP where no file of TLS is named, and reads both where they are', async () => {
  expect(await readSecrets(none)).toEqual({ keys: [], tls: undefined })
  expect((await readSecrets({ ...none, tls_key: pem, tls_certificate: pem })).tls).toEqual({
    key: 'text of the file',
    cert: 'text of the file',
  })
})

it.each([
  ['tls_key', 'tls_certificate'],
  ['tls_certificate', 'tls_key'],
])('names the file that is missing beside security.%s', async (given, missing) => {
  await expect(readSecrets({ ...none, [given]: pem })).rejects.toMatchObject({
    code: 'SERVING_TLS_INVALID',
    message: `TLS cannot be set up: security.${missing} names no file`,
  })
})
