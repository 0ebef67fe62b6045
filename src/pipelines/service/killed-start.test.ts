import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { loadServingConfig } from '../../config/config-manager.ts'
import type { OpenStates } from '../../decisions/decisions.ts'
import { openTestLog, TEST_WORLD, testFolder, testModel } from '../../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { warningsOnly } from '../../decisions/warnings-only.ts'
import { unwatchedWork } from '../../disk/work.ts'
import type { World } from '../../foundation/world.ts'
import type { OwnedStateStore, SharedStateStore } from '../../ports/state-store.ts'
import { trainedStates, USERS } from '../../states/trained-states.test-kit.ts'
import { createMemorySharedStates } from '../../testing/memory/memory-shared-states.ts'
import { openService, type StatesOutcome } from './open-service.ts'

const MODEL = testModel('champion')

let folder: string
let remove: () => void
let source: string
beforeAll(async () => {
  ;({ folder, remove } = testFolder())
  source = join(await trainedStates(folder, MODEL), '..', 'package')
})
afterAll(() => remove())

/** A start that is killed at any call of its store, and the starts after it. */
describe.each(['owned', 'shared'] as const)('whatever moment a start on %s states is killed at', (kind) => {
  test.each(['before', 'after'] as const)(
    'the next one fills them, when the call of that moment was killed %s it was done',
    async (moment) => {
      // All at once, each with a store of its own: an abandoned store is watched before it is filled anew.
      const [calls] = await begunAndKilled(kind, Number.POSITIVE_INFINITY, moment)
      expect(calls).toBeGreaterThan(6)
      const places = Array.from({ length: calls }, (_, i) => i + 1)
      const outcomes = await Promise.all(
        places.map(async (place) => {
          const [, states] = await begunAndKilled(kind, place, moment)
          const { outcome, identity } = await start(kind, states(), `${kind}-${moment}-${place}`)
          const { user } = await states().count()
          return { place, user, isKnown: outcome.kind !== 'empty', isNamed: identity !== '' }
        }),
      )
      expect(outcomes).toEqual(places.map((place) => ({ place, user: USERS, isKnown: true, isNamed: true })))
    },
  )
})

type Store = OwnedStateStore | SharedStateStore

/**
 * Starts a server whose process is killed at the `place`th call of its store.
 *
 * @returns how many calls it made, and the store as another process opens it
 */
const begunAndKilled = async (
  kind: OpenStates['kind'],
  place: number,
  moment: 'before' | 'after',
): Promise<[calls: number, open: () => Store]> => {
  const owned = createMemoryStateStore()
  const shared = await createMemorySharedStates({ longestWaitMs: 20 })({ consumer: 'again' })
  const opened = kind === 'owned' ? owned : shared
  const mortal = killedAt(opened, place, moment)
  await start(kind, mortal.store, `${kind}-${moment}-${place}`).catch((error: unknown) => {
    if (!mortal.isKilled()) throw error
  })
  return [mortal.calls(), () => notClosed(opened)]
}

/** What a process that ends leaves behind. */
const notClosed = <S extends Store>(store: S): S => ({ ...store, close: async () => undefined })

/** Calls come to it until the process is killed, then none. */
const killedAt = (store: Store, place: number, moment: 'before' | 'after') => {
  let calls = 0
  let isOver = false
  const call = async (work: () => Promise<unknown>): Promise<unknown> => {
    const isLast = ++calls === place
    if (isOver || (isLast && moment === 'before')) {
      isOver = true
      throw new Error('killed')
    }
    const done = await work()
    isOver ||= isLast
    if (isLast) throw new Error('killed')
    return done
  }
  const methods = Object.entries(notClosed(store)).map(([name, method]) => {
    const isAsked = name === 'entries' || name === 'close' || name === 'knownSequence'
    const guarded = (...words: unknown[]) => call(() => (method as (...all: unknown[]) => never)(...words))
    return [name, isAsked ? method : guarded] as const
  })
  return {
    store: Object.fromEntries(methods) as unknown as Store,
    calls: () => calls,
    isKilled: () => isOver,
  }
}

/** Starts a server, and ends it. */
const start = async (kind: OpenStates['kind'], store: Store, name: string) => {
  const path = join(folder, name)
  const assignments = [
    `state_store.kind=${kind === 'owned' ? 'lmdb' : 'redis'}`,
    `prediction_log.path=${path}`,
  ]
  const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: folder })
  const persistence = { kind: 'log', says: '' } as const
  const told: StatesOutcome[] = []
  const { pipeline } = await openService({
    settings,
    storage: {
      lost: new Promise(() => undefined),
      watchLog: () => undefined,
      openStates: async () => ({ kind, name: kind, store, persistence }) as OpenStates,
      openLog: () => openTestLog(path),
      readLog: () => ({ readDocument: async () => undefined }) as never,
    },
    load: async () => ({ ...MODEL, description: { ...MODEL.description, source } }) satisfies LoadedModel,
    workingDirectory: folder,
    observer: warningsOnly(() => undefined),
    world: hurriedWorld(name),
    work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') }),
    onStates: (outcome) => void told.push(outcome),
  })
  const identity = pipeline.identity.logName
  await pipeline.close()
  return { outcome: told[0]!, identity }
}

let names = 0

/** A world in which six seconds pass between two looks at its clock. */
const hurriedWorld = (name: string): World => {
  let monotonicMs = 0
  return {
    ...TEST_WORLD,
    monotonicMs: () => {
      monotonicMs += 6000
      return monotonicMs
    },
    newId: () => `${String(++names).padStart(8, '0')}-${name}`,
  }
}
