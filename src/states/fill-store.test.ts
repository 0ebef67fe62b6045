import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TEST_WORLD, testFolder, testModel } from '../decisions/inference.test-kit.ts'
import { readStoreIdentity, startLoading } from '../decisions/states/store-identity.ts'
import { unwatchedWork } from '../disk/work.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { createMemorySharedStates } from '../testing/memory/memory-shared-states.ts'
import { identityOnceFilled, whileFilling } from './fill-store.ts'
import { loadFirstStates } from './load-states.ts'
import { trainedStates, USERS } from './trained-states.test-kit.ts'

const MODEL = testModel()
const WORK = unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' })

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

describe('of two servers that start at the same moment on an empty store that they share', () => {
  test('one fills it, and the other waits for it and goes on from the same states', async () => {
    const from = await trainedStates(folder, MODEL)
    const openProcess = createMemorySharedStates()
    let goOn = (): void => undefined
    const isWaitedFor = new Promise<void>((resolve) => (goOn = resolve))
    const load = async (name: string) => {
      const opened = await openProcess({ consumer: name })
      // It is filled no faster than the other one looks.
      const save: typeof opened.save = async (...saved) => isWaitedFor.then(() => opened.save(...saved))
      const store = { ...opened, save }
      const states = {
        kind: 'shared',
        name: 'shared',
        store,
        persistence: { kind: 'log', says: '' },
      } as const
      const world = { ...TEST_WORLD, newId: () => name }
      const loaded = await loadFirstStates({ states, model: MODEL, from, world, work: WORK })
      const waits: string[] = []
      const onNotice = (): void => {
        waits.push(name)
        goOn()
      }
      const { signal } = WORK
      const identity = await identityOnceFilled({ store, isBegun: true, world, signal, onNotice })
      return { name, loaded, waits, identity, count: (await store.count()).user }
    }
    const both = await Promise.all([load('one'), load('two')])
    // Which of them comes first is chance.
    const [filler, waiter] = both[0].loaded === undefined ? [both[1], both[0]] : both
    expect([filler.loaded?.counts.user, waiter.loaded]).toEqual([USERS, undefined])
    expect([filler.waits, waiter.waits]).toEqual([[], [waiter.name]])
    expect([filler.count, waiter.count]).toEqual([USERS, USERS])
    expect(waiter.identity).toEqual(filler.identity)
    expect(filler.identity?.logName).toBe(filler.name)
  })

  test('the other waits for as long as the first gives signs of life, and is told when there are none', async () => {
    const store = await createMemorySharedStates()({ consumer: 'one' })
    // Nothing but looks at the store moves this clock: nine seconds each.
    let monotonicMs = 0
    let looks = 0
    let end = (): void => undefined
    const asked = (isAlive: boolean): Parameters<typeof identityOnceFilled>[0] => ({
      store: {
        readNote: async (name) => {
          const note = await store.readNote(name)
          if (name !== 'loading-life') return note
          monotonicMs += 9000
          if (++looks === 4) end()
          return isAlive ? `sign ${looks}` : note
        },
      },
      isBegun: false,
      world: { monotonicMs: () => monotonicMs },
      signal: WORK.signal,
      onNotice: undefined,
    })
    const filled = whileFilling(store, () => new Promise<void>((resolve) => (end = resolve)))
    expect(await identityOnceFilled(asked(true))).toBeUndefined()
    await filled
    expect(monotonicMs).toBe(36_000)
    await startLoading(store)
    await expect(identityOnceFilled(asked(false))).rejects.toMatchObject({
      code: 'SERVING_STATES_UNFINISHED',
    })
  })
})

test('a store whose filling failed is refused by whoever comes', async () => {
  const store: SharedStateStore = await createMemorySharedStates()({ consumer: 'one' })
  const filling = whileFilling(store, () => Promise.reject(new Error('the disk is gone')))
  await expect(filling).rejects.toThrow('the disk is gone')
  await expect(readStoreIdentity(store)).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
})
