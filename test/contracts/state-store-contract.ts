import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EntityKey, StateChange, StateStore } from '../../src/ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../../src/transaction/entity-kind.ts'

export interface StateStoreContractOptions {
  /**
   * Opens again what the store of the last `open` has left, after that one was closed. Left out where nothing
   * is left.
   */
  readonly reopen?: () => Promise<StateStore>
}

/** Laws 1 to 5 of `StateStore`, run over an implementation. `open` gives an empty store. */
export const stateStoreContract = (
  name: string,
  open: () => Promise<StateStore>,
  { reopen }: StateStoreContractOptions = {},
): void => {
  describe(`${name} keeps the laws of a state store`, () => {
    let store: StateStore
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    describe('states', () => {
      test('an unknown key has no state', async () => {
        expect(await store.load([ada, shop])).toEqual([undefined, undefined])
        expect(await store.load([])).toEqual([])
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

      test('tokens are whole from 0 up to 52 bits', async () => {
        const tokens = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 52 - 2, 2 ** 52 - 1]
        const keys = tokens.map((token): EntityKey => ({ kind: 'user', token }))
        await store.save(keys.slice(1).map((key) => change(key, `${key.token}`, 0)))
        expect((await store.load(keys)).map((state) => text(state?.bytes))).toEqual([
          undefined,
          ...tokens.slice(1).map(String),
        ])
        await store.save([change(keys[0]!, 'zero', 0)])
        expect(text((await store.load(keys))[0]?.bytes)).toBe('zero')
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
        expect(await store.save([change(ada, 'lost', 2), change(bob, 'new', 0)])).toBe(false)
        expect(await store.save([change(ada, 'two', 1), change(bob, 'never there', 1)])).toBe(false)
        const [kept, absent] = await store.load([ada, bob])
        expect([text(kept?.bytes), kept?.version, absent]).toEqual(['one', 1, undefined])
      })

      test('of ten concurrent saves of one version, one succeeds', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, i) => store.save([change(ada, `writer ${i}`, 0)])),
        )
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        const [state] = await store.load([ada])
        expect(text(state?.bytes)).toBe(`writer ${outcomes.indexOf(true)}`)
      })

      test('writers who load again after a lost save lose no update', async () => {
        const addOne = async (key: EntityKey): Promise<void> => {
          const [state] = await store.load([key])
          const sum = Number(text(state?.bytes) ?? 0) + 1
          if (!(await store.save([change(key, `${sum}`, state?.version ?? 0)]))) await addOne(key)
        }
        await Promise.all([ada, shop, ada, shop, ada, ada, ada, shop].map(addOne))
        const [five, three] = await store.load([ada, shop])
        expect([text(five?.bytes), five?.version]).toEqual(['5', 5])
        expect([text(three?.bytes), three?.version]).toEqual(['3', 3])
      })

      test('bytes that were saved or loaded do not change under their owner', async () => {
        const mine = bytes('mine')
        const saved = store.save([{ key: ada, bytes: mine, expected: 0 }])
        await saved
        mine.fill(0)
        const [loaded] = await store.load([ada])
        await store.save([change(ada, 'next', 1)])
        await store.load([ada])
        expect(text(loaded?.bytes)).toBe('mine')
      })

      test('bytes may be a part of a larger buffer', async () => {
        const whole = bytes('left|part|right')
        await store.save(
          [{ key: ada, bytes: whole.subarray(5, 9), expected: 0 }],
          [{ id: 'r', bytes: whole.subarray(10) }],
        )
        expect(text((await store.load([ada]))[0]?.bytes)).toBe('part')
        expect(text(await store.findReceipt('r'))).toBe('right')
      })

      test('an empty state and a large one are states, and every byte may have every value', async () => {
        const large = new Uint8Array(300_000).map((_, i) => i)
        await store.save([change(ada, '', 0), { key: bob, bytes: large, expected: 0 }])
        const [empty, big] = await store.load([ada, bob])
        expect([empty?.bytes.length, empty?.version]).toEqual([0, 1])
        expect(Buffer.compare(big!.bytes, large)).toBe(0)
      })
    })

    describe('receipts', () => {
      test('a receipt is found by its id alone', async () => {
        expect(await store.save([], [receipt('decision/t1', 'flagged')])).toBe(true)
        expect(text(await store.findReceipt('decision/t1'))).toBe('flagged')
        expect(await store.findReceipt('decision/t')).toBeUndefined()
        expect(await store.findReceipt('decision/t10')).toBeUndefined()
        expect(await store.findReceipt('label/t1')).toBeUndefined()
      })

      test('receipts are written with their states or not at all', async () => {
        expect(
          await store.save([change(ada, 'one', 0)], [receipt('t1', 'first'), receipt('t2', 'second')]),
        ).toBe(true)
        expect(
          await store.save([change(ada, 'lost', 0)], [receipt('t3', 'lost'), receipt('t1', 'lost')]),
        ).toBe(false)
        expect(text((await store.load([ada]))[0]?.bytes)).toBe('one')
        expect(text(await store.findReceipt('t1'))).toBe('first')
        expect(text(await store.findReceipt('t2'))).toBe('second')
        expect(await store.findReceipt('t3')).toBeUndefined()
      })

      test('a receipt that is saved again replaces the earlier one', async () => {
        await store.save([], [receipt('label/t1', 'genuine, and a longer text')])
        await store.save([], [receipt('label/t1', 'fraud')])
        expect(text(await store.findReceipt('label/t1'))).toBe('fraud')
      })

      test('a receipt may be empty, and is one', async () => {
        await store.save([], [receipt('t1', '')])
        expect((await store.findReceipt('t1'))?.length).toBe(0)
      })

      test('ids of 512 bytes and of any characters are different when one character is', async () => {
        const long = 'ñ'.repeat(255)
        const ids = [
          `${long}ab`,
          `${long}ac`,
          't*',
          't?',
          't',
          't\0',
          't\0a',
          't:1',
          '{t}',
          't 1',
          't\n1',
          '__proto__',
          '漢字',
          '😀',
        ]
        await store.save(
          [],
          ids.map((id, i) => receipt(id, `${i}`)),
        )
        const found = await Promise.all(ids.map((id) => store.findReceipt(id)))
        expect(found.map(text)).toEqual(ids.map((_, i) => `${i}`))
      })

      test('a sweep looks at all receipts, some at a time, and removes the expired ones, unless they expire by themselves', async () => {
        const ids = Array.from({ length: 25 }, (_, i) => `decision/${String(i).padStart(2, '0')}`)
        await store.save(
          [],
          ids.map((id, i) => receipt(id, i % 3 === 0 ? 'old' : 'new')),
        )
        const looked: string[] = []
        let after: string | undefined
        do
          after = await store.sweepReceipts(after, 10, (id, value) => {
            if (looked.at(-1) !== id && !looked.includes(id)) looked.push(id)
            return text(value) === 'old'
          })
        while (after !== undefined)
        if (looked.length === 0) return
        expect(looked).toEqual(ids)
        const kept = await Promise.all(ids.map(async (id) => (await store.findReceipt(id)) !== undefined))
        expect(kept).toEqual(ids.map((_, i) => i % 3 !== 0))
      })

      test('bytes of a receipt do not change under their owner', async () => {
        const mine = bytes('mine')
        await store.save([], [{ id: 't1', bytes: mine }])
        mine.fill(0)
        const found = await store.findReceipt('t1')
        await store.save([], [receipt('t1', 'next')])
        await store.findReceipt('t1')
        expect(text(found)).toBe('mine')
      })
    })

    describe('notes', () => {
      test('a note is read as it was written last', async () => {
        expect(await store.readNote('origin')).toBeUndefined()
        await store.writeNote('origin', '{"run": "día 1"}')
        await store.writeNote('origin-2', '')
        await store.writeNote('origin', '{"run": "día 2"}')
        expect(await store.readNote('origin')).toBe('{"run": "día 2"}')
        expect(await store.readNote('origin-2')).toBe('')
      })

      test('a note is no receipt', async () => {
        await store.writeNote('origin', 'note')
        await store.save([], [receipt('other', 'receipt')])
        expect(await store.findReceipt('origin')).toBeUndefined()
        expect(await store.readNote('other')).toBeUndefined()
      })
    })

    describe('all states', () => {
      test('entries are the states of one kind, each once, with the last bytes and version', async () => {
        const users = Array.from({ length: 2500 }, (_, i) => i * 1_800_000_000_000)
        await store.save(users.map((token) => change({ kind: 'user', token }, `user ${token}`, 0)))
        await store.save([change(shop, 's', 0)], [receipt('t1', 'r')])
        await store.save([change({ kind: 'user', token: users[7]! }, 'again', 1)])
        await store.writeNote('origin', 'note')
        const entries = await entriesOf(store, 'user')
        expect(entries.map(([token]) => token).sort((a, b) => a - b)).toEqual(users)
        expect(entries.filter(([, , version]) => version !== 1)).toEqual([[users[7], 'again', 2]])
        expect(entries.find(([token]) => token === users[8])).toEqual([users[8], `user ${users[8]}`, 1])
        expect(await entriesOf(store, 'merchant')).toEqual([[shop.token, 's', 1]])
        expect(await entriesOf(store, 'device')).toEqual([])
        expect(await store.count()).toEqual({ user: 2500, merchant: 1, device: 0 })
      })

      test('a state that is written while entries are read is one of them, once', async () => {
        const tokens = Array.from({ length: 1500 }, (_, token) => token)
        await store.save(tokens.map((token) => change({ kind: 'user', token }, 'before', 0)))
        const seen: number[] = []
        for await (const { token } of store.entries('user')) {
          seen.push(token)
          if (seen.length % 500 === 1)
            await store.save([change({ kind: 'user', token: 1499 - seen.length }, 'during', 1)])
        }
        expect(seen.sort((a, b) => a - b)).toEqual(tokens)
      })

      test('a cleared store is an empty one', async () => {
        await store.save([change(ada, 'one', 0), change(shop, 's', 0)], [receipt('t1', 'r')])
        await store.writeNote('origin', 'note')
        await store.clear()
        expect(await store.load([ada, shop])).toEqual([undefined, undefined])
        expect(await store.findReceipt('t1')).toBeUndefined()
        expect(await store.readNote('origin')).toBeUndefined()
        expect(await entriesOf(store, 'user')).toEqual([])
        expect(await store.count()).toEqual({ user: 0, merchant: 0, device: 0 })
        expect(await store.save([change(ada, 'anew', 0)])).toBe(true)
        expect((await store.load([ada]))[0]?.version).toBe(1)
      })
    })

    test('any course of saves ends as it does in a table', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anySave, { maxLength: 30 }), async (saves) => {
          await store.clear()
          const table = new Map<string, readonly [text: string, version: number]>()
          const receipts = new Map<string, string>()
          for (const [index, { changes, ids }] of saves.entries()) {
            const versionIn = (key: EntityKey): number => table.get(nameOf(key))?.[1] ?? 0
            const wanted = changes.map(({ key, lag }) =>
              change(key, `${index}`, Math.max(0, versionIn(key) - lag)),
            )
            const isCurrent = wanted.every(({ key, expected }) => expected === versionIn(key))
            const added = ids.map((id) => receipt(id, `${index}`))
            expect(await store.save(wanted, added)).toBe(isCurrent)
            if (!isCurrent) continue
            for (const { key, expected } of wanted) table.set(nameOf(key), [`${index}`, expected + 1])
            for (const id of ids) receipts.set(id, `${index}`)
          }
          const states = await store.load(KEYS)
          expect(states.map((state) => state && [text(state.bytes), state.version])).toEqual(
            KEYS.map((key) => table.get(nameOf(key))),
          )
          expect(await Promise.all(RECEIPT_IDS.map(async (id) => text(await store.findReceipt(id))))).toEqual(
            RECEIPT_IDS.map((id) => receipts.get(id)),
          )
        }),
        { seed: 5, numRuns: 40 },
      )
    })

    test.skipIf(reopen === undefined)('what was saved is there when the store is opened again', async () => {
      await store.save([change(ada, 'one', 0), change(shop, 's', 0)], [receipt('t1', 'r')])
      await store.save([change(ada, 'two', 1)])
      await store.writeNote('origin', 'note')
      await store.close()
      store = await reopen!()
      const [user, merchant] = await store.load([ada, shop])
      expect([text(user?.bytes), user?.version]).toEqual(['two', 2])
      expect([text(merchant?.bytes), merchant?.version]).toEqual(['s', 1])
      expect(text(await store.findReceipt('t1'))).toBe('r')
      expect(await store.readNote('origin')).toBe('note')
      expect(await store.count()).toEqual({ user: 1, merchant: 1, device: 0 })
      expect(await store.save([change(ada, 'lost', 1)])).toBe(false)
      expect(await store.save([change(ada, 'three', 2)])).toBe(true)
    })
  })
}

const ada: EntityKey = { kind: 'user', token: 1815 }
const bob: EntityKey = { kind: 'user', token: 1816 }
const shop: EntityKey = { kind: 'merchant', token: 42 }

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
const change = (key: EntityKey, value: string, expected: number): StateChange => ({
  key,
  bytes: bytes(value),
  expected,
})
const receipt = (id: string, value: string) => ({ id, bytes: bytes(value) })

const entriesOf = async (store: StateStore, kind: EntityKind) => {
  const entries: (readonly [token: number, text: string | undefined, version: number])[] = []
  for await (const entry of store.entries(kind)) entries.push([entry.token, text(entry.bytes), entry.version])
  return entries
}

const KEYS = ENTITY_KINDS.flatMap((kind): EntityKey[] => [1, 2].map((token) => ({ kind, token })))
const RECEIPT_IDS = ['t1', 't2', 't3']
const nameOf = ({ kind, token }: EntityKey): string => `${kind} ${token}`

/** Writes of some keys, most of them with the current version, some with an earlier one. */
const anySave = fc.record({
  changes: fc.uniqueArray(
    fc.record({ key: fc.constantFrom(...KEYS), lag: fc.constantFrom(0, 0, 0, 0, 0, 0, 1) }),
    { selector: ({ key }) => nameOf(key), maxLength: 4 },
  ),
  ids: fc.uniqueArray(fc.constantFrom(...RECEIPT_IDS), { maxLength: 2 }),
})
