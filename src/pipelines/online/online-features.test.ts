import { expect, test } from 'vitest'
import { SMALL_FIT, smallSettings } from '../../../test/oracle/random-histories.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { createOnlineFeatures } from './online-features.ts'

test('a label is stored in the states that keep labels, and no other state is touched', async () => {
  const { store, saved } = watchedStore()
  const online = createOnlineFeatures(smallSettings(), SMALL_FIT, store)
  await online.createAllFeatures(PAYMENT)
  expect(saved.splice(0)).toEqual([['user', 'merchant', 'device']])
  expect(await online.applyLabel({ ...PAYMENT, isFraud: true })).toBe(true)
  expect(saved).toEqual([['merchant', 'device']])
})

test('a label of a transaction that no state has is not stored', async () => {
  const { store, saved } = watchedStore()
  const online = createOnlineFeatures(smallSettings(), SMALL_FIT, store)
  expect(await online.applyLabel({ ...PAYMENT, isFraud: true })).toBe(false)
  expect(saved).toEqual([])
})

test('a repeated transaction is answered without a vector and stored nowhere', async () => {
  const { store, saved } = watchedStore()
  const online = createOnlineFeatures(smallSettings(), SMALL_FIT, store)
  await online.createAllFeatures(PAYMENT)
  expect(await online.createAllFeatures(PAYMENT)).toEqual({ outcome: 'repeated' })
  expect(saved).toHaveLength(1)
})

test('when somebody else always advances the state first, it gives up with an error', async () => {
  const { store } = watchedStore()
  const contended = { ...store, save: async () => false }
  const online = createOnlineFeatures(smallSettings(), SMALL_FIT, contended)
  await expect(online.createAllFeatures(PAYMENT)).rejects.toMatchObject({ code: 'FEATURES_STATE_CONTENDED' })
})

const PAYMENT = {
  transactionId: 't1',
  userId: 'ada',
  merchantId: 'shop',
  deviceId: 'phone',
  eventTimeMs: 1e12,
  amountMinor: 100,
}

/** A store that lists the kinds of each save. */
const watchedStore = (): { readonly store: StateStore; readonly saved: EntityKind[][] } => {
  const saved: EntityKind[][] = []
  const memory = createMemoryStateStore()
  return {
    saved,
    store: {
      ...memory,
      save: (changes, receipts) => {
        saved.push(changes.map(({ key }) => key.kind))
        return memory.save(changes, receipts)
      },
    },
  }
}
