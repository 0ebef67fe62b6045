import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadServingConfig } from '../../config/config-manager.ts'
import {
  openTestLog,
  silentObserver,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../../decisions/inference.test-kit.ts'
import { unwatchedWork } from '../../disk/work.ts'
import { trainedStates } from '../../states/trained-states.test-kit.ts'
import { createMemorySharedStates } from '../../testing/memory/memory-shared-states.ts'
import { openService } from './open-service.ts'

/** Opens a service whose storage tells what was opened, and opens nothing. */
const opened = async (...assignments: readonly string[]) => {
  const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: '/nowhere' })
  const told: string[] = []
  const open = (what: string) => async () => {
    told.push(what)
    throw new Error(`${what} was opened`)
  }
  const error = await openService({
    settings,
    storage: {
      lost: new Promise(() => undefined),
      watchLog: () => undefined,
      openStates: open('a store'),
      openLog: open('a log'),
      readLog: () => ({ readDocument: async () => undefined }) as never,
    },
    load: async () => testModel('champion'),
    workingDirectory: '/nowhere',
    observer: silentObserver,
    world: TEST_WORLD,
    work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }),
  }).catch((caught: unknown) => caught)
  return { told, error }
}

describe('a start that settings rule out opens nothing', () => {
  test.each([
    ['SERVING_KEEP_SHORT', ['prediction_log.keep=2d']],
    ['SERVING_KEEP_WITHOUT_SNAPSHOTS', ['prediction_log.keep=60d', 'prediction_log.snapshot_every=0s']],
    ['SERVING_KEEP_SHORT', ['prediction_log.keep=2d', 'state_store.kind=redis']],
    ['SERVING_CACHE_TOO_SMALL', ['state_store.cache_size=15']],
  ])('%s', async (code, assignments) => {
    expect(await opened(...assignments)).toMatchObject({ told: [], error: { code } })
  })

  test('and one that they allow opens the store first', async () => {
    for (const allowed of [
      [],
      ['prediction_log.keep=60d', 'state_store.cache_size=16'],
      ['prediction_log.keep=60d', 'state_store.kind=redis'],
    ])
      expect(await opened(...allowed)).toMatchObject({ told: ['a store'] })
  })
})

test('a store that is emptied after this start has filled it is begun anew by nobody', async () => {
  const { folder, remove } = testFolder()
  try {
    const champion = testModel('champion')
    const source = join(await trainedStates(folder, champion), '..', 'package')
    const openProcess = createMemorySharedStates()
    const store = await openProcess({ consumer: 'starts' })
    const emptied = await openProcess({ consumer: 'expects nothing' })
    const path = join(folder, 'log')
    const assignments = ['state_store.kind=redis', `prediction_log.path=${path}`]
    const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: folder })
    let isFilled = false
    const log = await openTestLog(path)
    // The next look is that of the pipeline.
    const size = async (): Promise<number> => {
      if (isFilled) await emptied.clear()
      return log.size()
    }
    const start = openService({
      settings,
      storage: {
        lost: new Promise(() => undefined),
        watchLog: () => undefined,
        openStates: async () => ({
          kind: 'shared',
          name: 'memory',
          store,
          persistence: { kind: 'log', says: '' },
        }),
        openLog: async () =>
          new Proxy(log, { get: (of, name) => (name === 'size' ? size : Reflect.get(of, name)) }),
        readLog: () => ({ readDocument: async () => undefined }) as never,
      },
      load: async () => ({ ...champion, description: { ...champion.description, source } }),
      workingDirectory: folder,
      observer: silentObserver,
      world: TEST_WORLD,
      work: unwatchedWork({ threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') }),
      onStates: ({ kind }) => {
        isFilled = kind === 'loaded'
      },
    })
    await expect(start).rejects.toMatchObject({ code: 'SERVING_HISTORY_LOST' })
    expect(isFilled).toBe(true)
  } finally {
    remove()
  }
})
