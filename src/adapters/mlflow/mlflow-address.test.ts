import { expect, test } from 'vitest'
import { parseMlflowAddress } from './mlflow-address.ts'

const USER = { MLFLOW_TRACKING_USERNAME: 'ada', MLFLOW_TRACKING_PASSWORD: 'pä:ss' }

test('an address keeps its path and loses the slash at its end', () => {
  expect(parseMlflowAddress('http://127.0.0.1:5000', {}).base).toBe('http://127.0.0.1:5000')
  expect(parseMlflowAddress('https://example.org/team/mlflow/', {}).base).toBe(
    'https://example.org/team/mlflow',
  )
})

test('a token wins over a name and password, and those over what stands in the address', () => {
  const uri = 'http://eve:s%20cret@example.org'
  const sent = (environment = {}): string | undefined => parseMlflowAddress(uri, environment).authorization
  expect(sent({ ...USER, MLFLOW_TRACKING_TOKEN: 'abc' })).toBe('Bearer abc')
  expect(sent(USER)).toBe(`Basic ${Buffer.from('ada:pä:ss').toString('base64')}`)
  expect(sent()).toBe(`Basic ${Buffer.from('eve:s cret').toString('base64')}`)
  expect(parseMlflowAddress('http://example.org', {})).toEqual({ base: 'http://example.org' })
})

test('credentials are not in the base address', () => {
  expect(parseMlflowAddress('http://eve:secret@example.org:81/x', {}).base).toBe('http://example.org:81/x')
})

test.each(['sqlite:///x.db', 'postgresql://eve:secret@db/mlflow', 'databricks', 'http//x', 'http://[:'])(
  '%s is no address of a server, and its password is not shown',
  (uri) => {
    expect(() => parseMlflowAddress(uri, {})).toThrow(/TRACKING_URI|allowed are http/)
    expect(() => parseMlflowAddress(uri, {})).not.toThrow(/secret/)
  },
)
