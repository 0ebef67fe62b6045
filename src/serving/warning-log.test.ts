import { expect, test } from 'vitest'
import { silentObserver } from '../decisions/inference.test-kit.ts'
import { createWarningLog } from './warning-log.ts'

test('warnings wait for the log, and are written all at first and then ever more seldom', () => {
  const counted: string[] = []
  const { observer, writeTo } = createWarningLog({
    ...silentObserver,
    warned: (code) => void counted.push(code),
  })
  observer.warned('SERVING_TABLE_STALE', { table: 'customer' })
  const written: unknown[] = []
  writeTo((code, details) => void written.push([code, details]))
  expect(written).toEqual([['SERVING_TABLE_STALE', { table: 'customer' }]])
  for (let n = 2; n <= 100; n++) observer.warned('SERVING_TABLE_STALE', { table: 'customer' })
  observer.warned('SERVING_LOG_LOST', {})
  expect(counted).toHaveLength(101)
  // 20 of them, and numbers 40 and 80; of another code the first.
  expect(written).toHaveLength(23)
  expect(written[20]).toEqual(['SERVING_TABLE_STALE', { table: 'customer', warnings: 40 }])
  expect(written.at(-1)).toEqual(['SERVING_LOG_LOST', {}])
})
