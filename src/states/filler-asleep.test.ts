import { afterEach, beforeEach, expect, test } from 'vitest'
import { TEST_WORLD, testFolder, testModel } from '../decisions/inference.test-kit.ts'
import { readStoreIdentity } from '../decisions/states/store-identity.ts'
import { unwatchedWork } from '../disk/work.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { createMemorySharedStates } from '../testing/memory/memory-shared-states.ts'
import { loadStates } from './load-states.ts'
import { trainedStates, USERS } from './trained-states.test-kit.ts'

const MODEL = testModel()
const WORK = unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' })

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const loadBy = (name: string, store: SharedStateStore, from: string) => {
  const persistence = { kind: 'log', says: '' } as const
  const states = { kind: 'shared', name: 'shared', store, persistence } as const
  const world = { ...TEST_WORLD, newId: () => `${name}-${TEST_WORLD.newId()}` }
  return loadStates({ states, model: MODEL, from, force: true, world, work: WORK })
}

test('a filler that wakes up when servers decide on what another one has filled in leaves that as it is', async () => {
  const from = await trainedStates(folder, MODEL)
  const openProcess = createMemorySharedStates()
  const awake = await openProcess({ consumer: 'awake' })
  // States are in by then: what comes after them expects no version of anything.
  let wakeUp = (): void => undefined
  const isAwake = new Promise<void>((resolve) => {
    wakeUp = resolve
  })
  const opened = await openProcess({ consumer: 'asleep' })
  let isAsleep = (): void => undefined
  const fellAsleep = new Promise<void>((resolve) => {
    isAsleep = resolve
  })
  const putBackLabels: SharedStateStore['putBackLabels'] = async (labels) => {
    isAsleep()
    await isAwake
    return opened.putBackLabels({ ...labels, clockMs: 9e12 })
  }
  const asleep = loadBy('asleep00', { ...opened, putBackLabels }, from).catch((error: unknown) => error)
  await fellAsleep
  const { identity } = await loadBy('awake000', awake, from)
  const server = await openProcess({ consumer: 'server' })
  await server.beginHistory({ name: identity.logName, lastSequence: 0 }, false)
  await server.expectHistory({ name: identity.logName, lastSequence: 0 })
  const receipt = { id: 'decision/t1', bytes: Uint8Array.of(1) }
  expect(await server.commit([], receipt, Uint8Array.of(1), 1e6)).toMatchObject({ sequence: 1 })
  wakeUp()
  expect(await asleep).toMatchObject({ code: 'SERVING_FILLER_REPLACED' })
  expect(await readStoreIdentity(server)).toEqual(identity)
  expect((await server.dueLabels(0, 10)).clockMs).toBe(Number.NEGATIVE_INFINITY)
  expect((await server.count()).user).toBe(USERS)
})
