import { afterEach, expect, test } from 'vitest'
import { createMemorySharedStates } from '../../testing/memory/memory-shared-states.ts'
import { createDecider } from '../decider.ts'
import type { Decisions } from '../decisions.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import { predictionNames } from '../prediction-names.ts'
import { writeStoreIdentity } from '../states/store-identity.ts'
import { joinHistory } from './known-history.ts'
import { openSharedDecisions } from './shared-decisions.ts'

const MODEL = testModel()
const { folder, remove } = testFolder()
let decisions: Decisions | undefined
afterEach(async () => {
  await decisions?.close()
  remove()
})

test('labels of one transaction that come at once are told one after the other', async () => {
  const identity = {
    statesKey: MODEL.statesKey,
    identity: MODEL.identity,
    logName: 'shared',
    createdAtMs: 0,
  }
  const store = await createMemorySharedStates()({ consumer: 'one' })
  await writeStoreIdentity(store, identity)
  const log = await openTestLog(folder)
  await joinHistory({ store, name: 'the store' }, log, identity)
  let names = 0
  const opened = await openSharedDecisions({
    store,
    log,
    identity,
    observer: silentObserver,
    decider: createDecider({ champion: MODEL }),
    names: predictionNames(identity),
    settings: TEST_SETTINGS,
    world: { ...TEST_WORLD, newId: () => `name-${++names}` },
  })
  decisions = opened
  await opened.predict(
    { transactionId: 't1', userId: 'ada', merchantId: 'shop', eventTimeMs: 1e12, amountMinor: 100 },
    0,
  )
  const tell = (isFraud: boolean | null) => opened.applyFeedback({ transactionId: 't1', isFraud })
  expect(await tell(true)).toBe('applied')
  const told = await Promise.all([true, null, true, false, false].map(tell))
  expect(told).toEqual(['unchanged', 'applied', 'applied', 'applied', 'unchanged'])
  expect((await opened.findLabel('t1'))?.isFraud).toBe(false)
})
