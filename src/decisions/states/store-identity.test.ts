import { expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import {
  type Filling,
  identityToFill,
  notesOfBegun,
  notesOfEnded,
  readStoreIdentity,
  readWholeIdentity,
  writeNotes,
} from './store-identity.ts'

test('a store that is not whole has no identity for who fills it, and is refused to all others', async () => {
  const store = createMemoryStateStore()
  expect(await readWholeIdentity(store)).toBeUndefined()
  await writeNotes(store, notesOfBegun({ by: 'restore' }))
  expect(await readWholeIdentity(store)).toBeUndefined()
  await expect(readStoreIdentity(store)).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
  const model = { name: 'a', version: '1' }
  await writeNotes(
    store,
    notesOfEnded({
      statesKey: 'key',
      identity: model as never,
      logName: 'log',
      createdAtMs: 1,
      origin: undefined,
    }),
  )
  expect(await readWholeIdentity(store)).toMatchObject({ statesKey: 'key', logName: 'log' })
})

test('another failure is told', async () => {
  const readNote = () => Promise.reject(new Error('gone'))
  await expect(readWholeIdentity({ readNote })).rejects.toThrow('gone')
})

test.each([
  ['start', 'start one with the model of that run'],
  ['load', '`vigia state load --from /runs/a`'],
  ['restore', '`vigia state restore`'],
  // A version before said no more than that it had begun.
  [undefined, 'else `vigia state load --force`'],
] as const)('a store that %s has left half filled says what to do again', async (by, next) => {
  const store = createMemoryStateStore()
  const { loading, ...said } = notesOfBegun({ by: by as Filling['by'], from: '/runs/a/states' })
  await writeNotes(store, by === undefined ? { loading: loading! } : { ...said, loading: loading! })
  const error = await readStoreIdentity(store).catch((caught: unknown) => caught)
  expect(error).toMatchObject({
    code: 'SERVING_STATES_UNFINISHED',
    fix: expect.stringContaining(next),
    details: { by: by ?? 'unknown' },
  })
  for (const one of ['start', 'load', 'restore'] as const)
    if (one === by) expect(await identityToFill(store, one)).toBeUndefined()
    else await expect(identityToFill(store, one)).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
})
