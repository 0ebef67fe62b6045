import { ok } from 'node:assert/strict'
import { createRandom, type Random } from '../foundation/random.ts'
import type { EntityKey, StateChange, StateStore } from '../ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../transaction/entity-kind.ts'
import { bytesOf, same, sameBytes, tenOf, textOf } from './assertions.ts'
import { closingAfter, type Law, lawMaker } from './law.ts'

/** A state store, as its laws open it. */
export interface StateStoreSubject {
  /** Opens an empty store that nobody else uses. */
  open(): Promise<StateStore>
  /**
   * Opens again what the store of the last `open` has left, after that one was closed, as the next process
   * would; or why nothing is left of it.
   */
  readonly reopen: (() => Promise<StateStore>) | string
}

interface Tools {
  readonly store: StateStore
  readonly subject: StateStoreSubject
}

const law = lawMaker<StateStoreSubject, Tools>(async (subject, check) => {
  const store = await subject.open()
  await closingAfter(
    () => check({ store, subject }),
    () => store.close(),
  )
})

/** Laws 1 to 9 of `StateStore` (`ports/state-store.ts`). */
export const stateStoreLaws: readonly Law<StateStoreSubject>[] = [
  // ## states
  law(1, 'an unknown key has no state', async ({ store }) => {
    same(await store.load([ada, shop]), [undefined, undefined])
    same(await store.load([]), [])
  }),
  law(1, 'what was saved is loaded, in the order of the keys', async ({ store }) => {
    same(await store.save([change(ada, 'a', 0), change(shop, 's', 0)]), true)
    const [first, nobody, second] = await store.load([shop, bob, ada])
    same([textOf(first?.bytes), nobody, textOf(second?.bytes)], ['s', undefined, 'a'])
  }),
  law(1, 'kinds do not mix: a user and a merchant may have the same token', async ({ store }) => {
    await store.save([change({ kind: 'user', token: 7 }, 'user', 0)])
    same(await store.load([{ kind: 'merchant', token: 7 }]), [undefined])
  }),
  law(1, 'tokens are whole from 0 up to 52 bits', async ({ store }) => {
    const tokens = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 52 - 2, 2 ** 52 - 1]
    const keys = tokens.map((token): EntityKey => ({ kind: 'user', token }))
    await store.save(keys.slice(1).map((key) => change(key, `${key.token}`, 0)))
    same(
      (await store.load(keys)).map((state) => textOf(state?.bytes)),
      [undefined, ...tokens.slice(1).map(String)],
    )
    await store.save([change(keys[0]!, 'zero', 0)])
    same(textOf((await store.load(keys))[0]?.bytes), 'zero')
  }),
  law(2, 'versions count the writes of a key', async ({ store }) => {
    await store.save([change(ada, 'one', 0)])
    await store.save([change(ada, 'two', 1)])
    const [state] = await store.load([ada])
    same([textOf(state?.bytes), state?.version], ['two', 2])
  }),
  law(2, 'a save that expects another version writes nothing at all', async ({ store }) => {
    await store.save([change(ada, 'one', 0)])
    same(await store.save([change(bob, 'new', 0), change(ada, 'lost', 0)]), false)
    same(await store.save([change(ada, 'lost', 2), change(bob, 'new', 0)]), false)
    same(await store.save([change(ada, 'two', 1), change(bob, 'never there', 1)]), false)
    const [kept, absent] = await store.load([ada, bob])
    same([textOf(kept?.bytes), kept?.version, absent], ['one', 1, undefined])
  }),
  law(3, 'of ten concurrent saves of one version, one succeeds', async ({ store }) => {
    const outcomes = await Promise.all(tenOf((i) => store.save([change(ada, `writer ${i}`, 0)])))
    same(outcomes.filter(Boolean).length, 1)
    const [state] = await store.load([ada])
    same(textOf(state?.bytes), `writer ${outcomes.indexOf(true)}`)
  }),
  law(3, 'writers who load again after a lost save lose no update', async ({ store }) => {
    let attempts = 0
    const addOne = async (key: EntityKey): Promise<void> => {
      ok(++attempts < 100, 'no save succeeds, however often the state is loaded again')
      const [state] = await store.load([key])
      const sum = Number(textOf(state?.bytes) ?? 0) + 1
      if (!(await store.save([change(key, `${sum}`, state?.version ?? 0)]))) await addOne(key)
    }
    await Promise.all([ada, shop, ada, shop, ada, ada, ada, shop].map((key) => addOne(key)))
    const [five, three] = await store.load([ada, shop])
    same([textOf(five?.bytes), five?.version], ['5', 5])
    same([textOf(three?.bytes), three?.version], ['3', 3])
  }),
  law(1, 'bytes that were saved or loaded do not change under their owner', async ({ store }) => {
    const mine = bytesOf('mine')
    const saved = store.save([{ key: ada, bytes: mine, expected: 0 }])
    await saved
    mine.fill(0)
    const [loaded] = await store.load([ada])
    await store.save([change(ada, 'next', 1)])
    await store.load([ada])
    same(textOf(loaded?.bytes), 'mine')
  }),
  law(1, 'bytes may be a part of a larger buffer', async ({ store }) => {
    const whole = bytesOf('left|part|right')
    await store.save(
      [{ key: ada, bytes: whole.subarray(5, 9), expected: 0 }],
      [{ id: 'r', bytes: whole.subarray(10) }],
    )
    same(textOf((await store.load([ada]))[0]?.bytes), 'part')
    same(textOf(await store.findReceipt('r')), 'right')
  }),
  law(
    1,
    'an empty state and a large one are states, and every byte may have every value',
    async ({ store }) => {
      const large = new Uint8Array(300_000).map((_, i) => i)
      await store.save([change(ada, '', 0), { key: bob, bytes: large, expected: 0 }])
      const [empty, big] = await store.load([ada, bob])
      same([empty?.bytes.length, empty?.version], [0, 1])
      sameBytes(big?.bytes, large)
    },
  ),
  // ## receipts
  law(4, 'a receipt is found by its id alone', async ({ store }) => {
    same(await store.save([], [receipt('decision/t1', 'flagged')]), true)
    same(textOf(await store.findReceipt('decision/t1')), 'flagged')
    same(await store.findReceipt('decision/t'), undefined)
    same(await store.findReceipt('decision/t10'), undefined)
    same(await store.findReceipt('label/t1'), undefined)
  }),
  law(2, 'receipts are written with their states or not at all', async ({ store }) => {
    same(await store.save([change(ada, 'one', 0)], [receipt('t1', 'first'), receipt('t2', 'second')]), true)
    same(await store.save([change(ada, 'lost', 0)], [receipt('t3', 'lost'), receipt('t1', 'lost')]), false)
    same(textOf((await store.load([ada]))[0]?.bytes), 'one')
    same(textOf(await store.findReceipt('t1')), 'first')
    same(textOf(await store.findReceipt('t2')), 'second')
    same(await store.findReceipt('t3'), undefined)
  }),
  law(4, 'a receipt that is saved again replaces the earlier one', async ({ store }) => {
    await store.save([], [receipt('label/t1', 'genuine, and a longer text')])
    await store.save([], [receipt('label/t1', 'fraud')])
    same(textOf(await store.findReceipt('label/t1')), 'fraud')
  }),
  law(4, 'a receipt may be empty, and is one', async ({ store }) => {
    await store.save([], [receipt('t1', '')])
    same((await store.findReceipt('t1'))?.length, 0)
  }),
  law(4, 'ids of 512 bytes and of any characters are different when one character is', async ({ store }) => {
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
    same(
      found.map(textOf),
      ids.map((_, i) => `${i}`),
    )
  }),
  law(
    8,
    'a sweep looks at all receipts, some at a time, and removes the expired ones, unless they expire by themselves',
    async ({ store }) => {
      const ids = Array.from({ length: 25 }, (_, i) => `decision/${String(i).padStart(2, '0')}`)
      await store.save(
        [],
        ids.map((id, i) => receipt(id, i % 3 === 0 ? 'old' : 'new')),
      )
      const looked: string[] = []
      let after: string | undefined
      let sweeps = 0
      do {
        ok(++sweeps <= ids.length, 'the sweep comes to no end')
        after = await store.sweepReceipts(after, 10, (id, value) => {
          if (looked.at(-1) !== id && !looked.includes(id)) looked.push(id)
          return textOf(value) === 'old'
        })
      } while (after !== undefined)
      if (looked.length === 0) return
      same(looked, ids)
      const kept = await Promise.all(ids.map(async (id) => (await store.findReceipt(id)) !== undefined))
      same(
        kept,
        ids.map((_, i) => i % 3 !== 0),
      )
    },
  ),
  law(1, 'bytes of a receipt do not change under their owner', async ({ store }) => {
    const mine = bytesOf('mine')
    await store.save([], [{ id: 't1', bytes: mine }])
    mine.fill(0)
    const found = await store.findReceipt('t1')
    await store.save([], [receipt('t1', 'next')])
    await store.findReceipt('t1')
    same(textOf(found), 'mine')
  }),
  // ## notes
  law(7, 'a note is read as it was written last', async ({ store }) => {
    same(await store.readNote('origin'), undefined)
    await store.writeNote('origin', '{"run": "día 1"}')
    await store.writeNote('origin-2', '')
    await store.writeNote('origin', '{"run": "día 2"}')
    same(await store.readNote('origin'), '{"run": "día 2"}')
    same(await store.readNote('origin-2'), '')
  }),
  law(7, 'a note is no receipt', async ({ store }) => {
    await store.writeNote('origin', 'note')
    await store.save([], [receipt('other', 'receipt')])
    same(await store.findReceipt('origin'), undefined)
    same(await store.readNote('other'), undefined)
  }),
  // ## all states
  law(
    6,
    'entries are the states of one kind, each once, with the last bytes and version',
    async ({ store }) => {
      const users = Array.from({ length: 2500 }, (_, i) => i * 1_800_000_000_000)
      await store.save(users.map((token) => change({ kind: 'user', token }, `user ${token}`, 0)))
      await store.save([change(shop, 's', 0)], [receipt('t1', 'r')])
      await store.save([change({ kind: 'user', token: users[7]! }, 'again', 1)])
      await store.writeNote('origin', 'note')
      const entries = await entriesOf(store, 'user')
      same(
        entries.map(([token]) => token).sort((a, b) => a - b),
        users,
      )
      same(
        entries.filter(([, , version]) => version !== 1),
        [[users[7], 'again', 2]],
      )
      same(
        entries.find(([token]) => token === users[8]),
        [users[8], `user ${users[8]}`, 1],
      )
      same(await entriesOf(store, 'merchant'), [[shop.token, 's', 1]])
      same(await entriesOf(store, 'device'), [])
      same(await store.count(), { user: 2500, merchant: 1, device: 0 })
    },
  ),
  law(6, 'a state that is written while entries are read is one of them, once', async ({ store }) => {
    const tokens = Array.from({ length: 1500 }, (_, token) => token)
    await store.save(tokens.map((token) => change({ kind: 'user', token }, 'before', 0)))
    const seen: number[] = []
    for await (const { token } of store.entries('user')) {
      seen.push(token)
      if (seen.length % 500 === 1)
        await store.save([change({ kind: 'user', token: 1499 - seen.length }, 'during', 1)])
    }
    same(
      seen.sort((a, b) => a - b),
      tokens,
    )
  }),
  law(9, 'a cleared store is an empty one', async ({ store }) => {
    await store.save(
      [change(ada, 'one', 0), change(shop, 's', 0), change(address, 'a', 0)],
      [receipt('t1', 'r')],
    )
    await store.writeNote('origin', 'note')
    await store.clear()
    same(await store.load([ada, shop, address]), [undefined, undefined, undefined])
    same(await store.findReceipt('t1'), undefined)
    same(await store.readNote('origin'), undefined)
    same(await entriesOf(store, 'user'), [])
    const { user, merchant, device, ip = 0 } = await store.count()
    same([user, merchant, device, ip], [0, 0, 0, 0])
    same(await store.save([change(ada, 'anew', 0)]), true)
    same((await store.load([ada]))[0]?.version, 1)
  }),
  law(2, 'any course of saves ends as it does in a table', async ({ store }) => {
    for (let course = 0; course < COURSES; course++)
      await followCourse(store, createRandom(`saves ${course}`), `course ${course}`, course)
  }),
  law(
    5,
    'what was saved is there when the store is opened again',
    async ({ store, subject: { reopen } }) => {
      ok(typeof reopen === 'function')
      await store.save([change(ada, 'one', 0), change(shop, 's', 0)], [receipt('t1', 'r')])
      await store.save([change(ada, 'two', 1), change(address, 'a', 0)])
      await store.writeNote('origin', 'note')
      await store.close()
      const next = await reopen()
      await closingAfter(
        async () => {
          const [user, merchant, own] = await next.load([ada, shop, address])
          same([textOf(own?.bytes), own?.version], ['a', 1])
          same([textOf(user?.bytes), user?.version], ['two', 2])
          same([textOf(merchant?.bytes), merchant?.version], ['s', 1])
          same(textOf(await next.findReceipt('t1')), 'r')
          same(await next.readNote('origin'), 'note')
          same(await next.count(), { user: 1, merchant: 1, device: 0, ip: 1 })
          same(await next.save([change(ada, 'lost', 1)]), false)
          same(await next.save([change(ada, 'three', 2)]), true)
        },
        () => next.close(),
      )
    },
    ({ reopen }) => (typeof reopen === 'string' ? reopen : undefined),
  ),
]

const ada: EntityKey = { kind: 'user', token: 1815 }
const bob: EntityKey = { kind: 'user', token: 1816 }
const shop: EntityKey = { kind: 'merchant', token: 42 }

/** A kind of the bank's own. */
const address: EntityKey = { kind: 'ip', token: 7 }

const change = (key: EntityKey, value: string, expected: number): StateChange => ({
  key,
  bytes: bytesOf(value),
  expected,
})
const receipt = (id: string, value: string) => ({ id, bytes: bytesOf(value) })

const entriesOf = async (store: StateStore, kind: EntityKind) => {
  const entries: (readonly [token: number, text: string | undefined, version: number])[] = []
  for await (const entry of store.entries(kind))
    entries.push([entry.token, textOf(entry.bytes), entry.version])
  return entries
}

const KEYS = [...ENTITY_KINDS, address.kind].flatMap((kind): EntityKey[] =>
  [1, 2].map((token) => ({ kind, token })),
)
const RECEIPT_IDS = ['t1', 't2', 't3']
const nameOf = ({ kind, token }: EntityKey): string => `${kind} ${token}`

/** Courses that are followed; the first ones are short, so that the first failure is easy to follow. */
const COURSES = 40

/** Random saves, of which some expect an earlier version, beside a table that says what must come of them. */
const followCourse = async (
  store: StateStore,
  random: Random,
  name: string,
  saves: number,
): Promise<void> => {
  await store.clear()
  const table = new Map<string, readonly [text: string, version: number]>()
  const receipts = new Map<string, string>()
  const versionIn = (key: EntityKey): number => table.get(nameOf(key))?.[1] ?? 0
  for (let index = 0; index < saves; index++) {
    const wanted = someOf(KEYS, random, 4).map((key) =>
      change(key, `${index}`, Math.max(0, versionIn(key) - Number(random.integer(7) === 0))),
    )
    const ids = someOf(RECEIPT_IDS, random, 2)
    const isCurrent = wanted.every(({ key, expected }) => expected === versionIn(key))
    const added = ids.map((id) => receipt(id, `${index}`))
    same(await store.save(wanted, added), isCurrent, `${name}, save ${index}`)
    if (!isCurrent) continue
    for (const { key, expected } of wanted) table.set(nameOf(key), [`${index}`, expected + 1])
    for (const id of ids) receipts.set(id, `${index}`)
  }
  const states = await store.load(KEYS)
  same(
    states.map((state) => state && [textOf(state.bytes), state.version]),
    KEYS.map((key) => table.get(nameOf(key))),
    name,
  )
  const found = await Promise.all(RECEIPT_IDS.map((id) => store.findReceipt(id)))
  same(
    found.map(textOf),
    RECEIPT_IDS.map((id) => receipts.get(id)),
    name,
  )
}

/** Up to `most` of the items, each at most once. */
const someOf = <Item>(items: readonly Item[], random: Random, most: number): readonly Item[] => {
  const left = [...items]
  return Array.from(
    { length: random.integer(most + 1) },
    () => left.splice(random.integer(left.length), 1)[0]!,
  )
}
