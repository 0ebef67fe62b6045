import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TEST_WORLD, testFolder, testModel } from '../decisions/inference.test-kit.ts'
import { notesOfBegun, readStoreIdentity } from '../decisions/states/store-identity.ts'
import { unwatchedWork } from '../disk/work.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { createMemorySharedStates } from '../testing/memory/memory-shared-states.ts'
import { type Filled, fillStore, onceFilled } from './fill-store.ts'
import { firstStates, storeAtStart } from './first-states.ts'
import { loadStates } from './load-states.ts'
import { trainedStates, USERS } from './trained-states.test-kit.ts'

const MODEL = testModel()
const WORK = unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' })
const NOBODY = { filler: undefined, name: undefined }

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const shared = (store: SharedStateStore) =>
  ({ kind: 'shared', name: 'shared', store, persistence: { kind: 'log', says: '' } }) as const

/** What a server does that starts. */
const start = (name: string, store: SharedStateStore, from: string, onNotice?: () => void) =>
  firstStates({
    states: shared(store),
    model: MODEL,
    from,
    world: hurriedWorld(name),
    work: WORK,
    onNotice,
    instead: NOBODY,
    assertNeverUsed: async () => undefined,
  })

/** A world in which six seconds pass between two looks at its clock. */
const hurriedWorld = (name: string) => {
  let [monotonicMs, names] = [0, 0]
  return {
    ...TEST_WORLD,
    newId: () => `${name}-${++names}`,
    monotonicMs: () => {
      monotonicMs += 6000
      return monotonicMs
    },
  }
}

describe('of servers that start at the same moment on an empty store that they share', () => {
  test('one fills it, and the other waits for it and goes on from the same states', async () => {
    const from = await trainedStates(folder, MODEL)
    const openProcess = createMemorySharedStates()
    let goOn = (): void => undefined
    const isWaitedFor = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const begin = async (name: string) => {
      const opened = await openProcess({ consumer: name })
      // It is filled no faster than the other one looks.
      const save: typeof opened.save = async (...saved) => isWaitedFor.then(() => opened.save(...saved))
      let waits = 0
      const first = await start(name, { ...opened, save }, from, () => {
        waits++
        goOn()
      })
      return { name, first, waits, count: (await opened.count()).user }
    }
    const both = await Promise.all([begin('one'), begin('two')])
    // Which of them comes first is chance.
    const [filler, waiter] = both[0].first.kind === 'loaded' ? both : [both[1], both[0]]
    if (filler.first.kind !== 'loaded' || waiter.first.kind !== 'kept') throw new Error('one of each')
    expect(filler.first.loaded.counts.user).toBe(USERS)
    expect([filler.waits, waiter.waits]).toEqual([0, 1])
    expect([filler.count, waiter.count]).toEqual([USERS, USERS])
    expect(waiter.first.identity).toEqual(filler.first.loaded.identity)
    expect(filler.first.loaded.identity.logName).toBe(`${filler.name}-2`)
  })

  test('when it ends before it has finished, one of those that wait begins anew', async () => {
    const from = await trainedStates(folder, MODEL)
    const openProcess = createMemorySharedStates()
    const first = await openProcess({ consumer: 'killed' })
    let saves = 0
    const save: typeof first.save = async (...saved) => {
      if (++saves === 2) throw new Error('killed')
      return first.save(...saved)
    }
    await expect(start('killed', { ...first, save }, from)).rejects.toThrow('killed')
    const others = await Promise.all(
      ['b', 'c', 'd'].map(async (name) => start(name, await openProcess({ consumer: name }), from)),
    )
    const kinds = others.map(({ kind }) => kind).sort()
    expect(kinds).toEqual(['kept', 'kept', 'loaded'])
    const names = others.map((one) => (one.kind === 'kept' ? one : one.loaded).identity.logName)
    expect(new Set(names).size).toBe(1)
    expect((await first.readHistory().catch(() => undefined))?.name).toBe(names[0])
    expect((await (await openProcess({ consumer: 'e' })).count()).user).toBe(USERS)
  })

  test('it is waited for as long as it gives signs of life, and given up when there are none', async () => {
    const store = await createMemorySharedStates()({ consumer: 'one' })
    // Nothing but looks at the store moves this clock: nine seconds each.
    let monotonicMs = 0
    let looks = 0
    let end = (_: Filled<undefined>): void => undefined
    const asked = (isAlive: boolean): Parameters<typeof onceFilled>[0] => ({
      store: {
        readHistory: store.readHistory,
        readNote: async (name) => {
          const note = await store.readNote(name)
          if (name !== 'loading-life') return note
          monotonicMs += 9000
          if (++looks === 4) end({ outcome: undefined, identity: IDENTITY, lastSequence: 0, replaces: false })
          return isAlive ? `one ${looks}` : note
        },
      },
      isBegun: false,
      world: { monotonicMs: () => monotonicMs },
      signal: WORK.signal,
      onNotice: undefined,
    })
    const options = { filling: { by: 'start' }, world: { newId: () => 'one' } } as const
    const fill = () => new Promise<Filled<undefined>>((resolve) => (end = resolve))
    const filled = fillStore({ kind: 'shared', store }, options, fill)
    expect(await onceFilled(asked(true))).toEqual({ kind: 'identity', identity: IDENTITY })
    await filled
    expect(monotonicMs).toBe(36_000)
    await store.beginFilling({
      token: 'gone',
      notes: { ...notesOfBegun({ by: 'start' }), 'loading-life': 'gone 3' },
    })
    const found = await onceFilled(asked(false))
    expect(found).toMatchObject({ kind: 'abandoned', isHalfFilled: true, filler: 'gone', name: undefined })
  })
})

const IDENTITY = { statesKey: 'key', identity: {} as never, logName: 'cafe', createdAtMs: 1 }

describe('a store that a command has left half filled', () => {
  const killedLoad = async (store: SharedStateStore, from: string): Promise<void> => {
    const save = () => Promise.reject(new Error('killed'))
    const loading = load({ ...store, save }, from, true)
    await expect(loading).rejects.toThrow('killed')
  }
  const load = (store: SharedStateStore, from: string, force = false) =>
    loadStates({ states: shared(store), model: MODEL, from, force, world: hurriedWorld('load'), work: WORK })
  const atStart = (store: SharedStateStore) =>
    storeAtStart({ states: shared(store), world: hurriedWorld('server'), work: WORK })

  test('is filled by the same command, without --force, and by no server, which says so', async () => {
    const from = await trainedStates(folder, MODEL)
    const openProcess = createMemorySharedStates()
    await killedLoad(await openProcess({ consumer: 'killed' }), from)
    const store = await openProcess({ consumer: 'again' })
    await expect(atStart(store)).rejects.toMatchObject({
      code: 'SERVING_STATES_UNFINISHED',
      fix: expect.stringContaining(`\`vigia state load --from ${folder}/run\``),
    })
    expect((await load(store, from)).counts.user).toBe(USERS)
    expect((await atStart(store)).identity).toMatchObject({ logName: 'load-2' })
    await expect(load(store, from)).rejects.toMatchObject({ code: 'SERVING_STATES_PRESENT' })
  })

  test('by a restore, is left to a restore, unless it is given up with --force', async () => {
    const from = await trainedStates(folder, MODEL)
    const store = await createMemorySharedStates()({ consumer: 'restores' })
    const options = { filling: { by: 'restore' }, world: { newId: () => 'one' } } as const
    const restoring = fillStore({ kind: 'shared', store }, options, () => Promise.reject(new Error('killed')))
    await expect(restoring).rejects.toThrow('killed')
    for (const refused of [() => load(store, from), () => atStart(store)])
      await expect(refused()).rejects.toMatchObject({
        code: 'SERVING_STATES_UNFINISHED',
        fix: expect.stringContaining('`vigia state restore`'),
      })
    expect((await load(store, from, true)).counts.user).toBe(USERS)
  })

  test('is refused to whoever looks at it', async () => {
    const from = await trainedStates(folder, MODEL)
    const openProcess = createMemorySharedStates()
    await killedLoad(await openProcess({ consumer: 'killed' }), from)
    const looks = readStoreIdentity(await openProcess({ consumer: 'looks' }))
    await expect(looks).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
  })
})

test('a store that has given numbers and does not say whose states it has is filled by nobody', async () => {
  const from = await trainedStates(folder, MODEL)
  const store = await createMemorySharedStates()({ consumer: 'one' })
  await store.beginHistory({ name: 'old', lastSequence: 3 }, false)
  await expect(start('two', store, from)).rejects.toMatchObject({ code: 'SERVING_STATES_UNFINISHED' })
  const loading = loadStates({
    states: shared(store),
    model: MODEL,
    from,
    force: false,
    world: hurriedWorld('three'),
    work: WORK,
  })
  await expect(loading).rejects.toMatchObject({ code: 'SERVING_STATES_PRESENT' })
})
