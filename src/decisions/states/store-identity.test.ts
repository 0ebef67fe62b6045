import { expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import {
  finishLoading,
  readStoreIdentity,
  readWholeIdentity,
  startLoading,
  writeStoreIdentity,
} from './store-identity.ts'

test('a store that is not whole has no identity for who fills it, and is refused to all others', async () => {
  const store = createMemoryStateStore()
  expect(await readWholeIdentity(store)).toBeUndefined()
  await startLoading(store)
  const model = { name: 'a', version: '1' }
  await writeStoreIdentity(store, {
    statesKey: 'key',
    identity: model as never,
    logName: 'log',
    createdAtMs: 1,
    origin: undefined,
  })
  expect(await readWholeIdentity(store)).toBeUndefined()
  await expect(readStoreIdentity(store)).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
  await finishLoading(store)
  expect(await readWholeIdentity(store)).toMatchObject({ statesKey: 'key', logName: 'log' })
})

test('another failure is told', async () => {
  const readNote = () => Promise.reject(new Error('gone'))
  await expect(readWholeIdentity({ readNote })).rejects.toThrow('gone')
})
