import { expect, test } from 'vitest'
import { encodePart, signS3Request } from './sign-s3-request.ts'

const CREDENTIALS = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
}
const NOW = new Date('2013-05-24T00:00:00Z')
const request = {
  method: 'GET',
  host: 'examplebucket.s3.amazonaws.com',
  path: '/',
  query: {},
  body: new Uint8Array(0),
}
const signatureOf = (headers: Record<string, string>): string | undefined =>
  /Signature=(\w+)$/.exec(headers['authorization']!)?.[1]

/* The four examples of "Examples: Signature Calculations" in Amazon's own description of the signature. */
test('signatures are those of the examples of the specification', () => {
  const get = signS3Request(
    { ...request, path: '/test.txt', headers: { range: 'bytes=0-9' } },
    CREDENTIALS,
    NOW,
  )
  expect(signatureOf(get)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
  const put = signS3Request(
    {
      ...request,
      method: 'PUT',
      path: `/${encodePart('test$file.text')}`,
      body: Buffer.from('Welcome to Amazon S3.'),
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    },
    CREDENTIALS,
    NOW,
  )
  expect(signatureOf(put)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  const lifecycle = signS3Request({ ...request, query: { lifecycle: '' } }, CREDENTIALS, NOW)
  expect(signatureOf(lifecycle)).toBe('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543')
  const list = signS3Request({ ...request, query: { prefix: 'J', 'max-keys': '2' } }, CREDENTIALS, NOW)
  expect(signatureOf(list)).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
})

test('the token of temporary credentials is sent and signed', () => {
  const headers = signS3Request(request, { ...CREDENTIALS, sessionToken: 'short-lived' }, NOW)
  expect(headers['x-amz-security-token']).toBe('short-lived')
  expect(headers['authorization']).toContain('x-amz-date;x-amz-security-token,')
})
