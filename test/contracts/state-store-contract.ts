import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EntityKey, StateStore } from '../../src/ports/state-store.ts'

/** The laws of `StateStore`, run over an implementation. `open` gives an empty store. */
export const stateStoreContract = (name: string, open: () => Promise<StateStore>): void => {
  describe(`${name} keeps the laws of a state store`, () => {
    let store: StateStore
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    test('an unknown key has no state', async () => {
      expect(await store.load([ada, shop])).toEqual([undefined, undefined])
    })

    test('what was saved is loaded, in the order of the keys', async () => {
      expect(await store.save([change(ada, 'a', 0), change(shop, 's', 0)])).toBe(true)
      const [first, nobody, second] = await store.load([shop, bob, ada])
      expect([text(first?.bytes), nobody, text(second?.bytes)]).toEqual(['s', undefined, 'a'])
    })

    test('kinds do not mix: a user and a merchant may have the same token', async () => {
      await store.save([change({ kind: 'user', token: 7 }, 'user', 0)])
      expect(await store.load([{ kind: 'merchant', token: 7 }])).toEqual([undefined])
    })

    test('tokens are whole up to 52 bits', async () => {
      const last = { kind: 'user', token: 2 ** 52 - 1 } as const
      const neighbour = { kind: 'user', token: 2 ** 52 - 2 } as const
      await store.save([change(last, 'last', 0)])
      expect(await store.load([neighbour])).toEqual([undefined])
      expect(text((await store.load([last]))[0]?.bytes)).toBe('last')
    })

    test('versions count the writes of a key', async () => {
      await store.save([change(ada, 'one', 0)])
      await store.save([change(ada, 'two', 1)])
      const [state] = await store.load([ada])
      expect([text(state?.bytes), state?.version]).toEqual(['two', 2])
    })

    test('a save that expects another version writes nothing at all', async () => {
      await store.save([change(ada, 'one', 0)])
      expect(await store.save([change(bob, 'new', 0), change(ada, 'lost', 0)])).toBe(false)
      const [kept, absent] = await store.load([ada, bob])
      expect([text(kept?.bytes), absent]).toEqual(['one', undefined])
    })

    test('of ten concurrent saves of one version, one succeeds', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, i) => store.save([change(ada, `writer ${i}`, 0)])),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      const [state] = await store.load([ada])
      expect(text(state?.bytes)).toBe(`writer ${outcomes.indexOf(true)}`)
    })

    test('bytes that were saved or loaded do not change under their owner', async () => {
      const mine = bytes('mine')
      await store.save([{ key: ada, bytes: mine, expected: 0 }])
      mine.fill(0)
      const [loaded] = await store.load([ada])
      await store.save([change(ada, 'next', 1)])
      expect(text(loaded?.bytes)).toBe('mine')
    })

    test('an empty state and a large one are states', async () => {
      const large = new Uint8Array(300_000).fill(7)
      await store.save([change(ada, '', 0), { key: bob, bytes: large, expected: 0 }])
      const [empty, big] = await store.load([ada, bob])
      expect([empty?.bytes.length, big?.bytes.length, big?.bytes[299_999]]).toEqual([0, 300_000, 7])
    })
  })
}

const ada: EntityKey = { kind: 'user', token: 1815 }
const bob: EntityKey = { kind: 'user', token: 1816 }
const shop: EntityKey = { kind: 'merchant', token: 42 }

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
const change = (key: EntityKey, value: string, expected: number) => ({ key, bytes: bytes(value), expected })
