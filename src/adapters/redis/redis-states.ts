import type { SharedStateStore, StoredState } from '../../ports/state-store.ts'
import { byKind, ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'
import { asBuffer, changeWords, type RedisLink, VERSION_BYTES } from './redis-link.ts'
import { scan, scanFrom } from './redis-scan.ts'
import { SAVE } from './redis-scripts.ts'

/** States, receipts and notes by their names. */
export const stateCalls = ({
  connection,
  names,
  history,
}: RedisLink): Pick<
  SharedStateStore,
  'load' | 'save' | 'findReceipt' | 'sweepReceipts' | 'readNote' | 'writeNote'
> => ({
  load: async (keys) => {
    if (keys.length === 0) return []
    return (await history.mget(keys.map(names.state))).map(decodeFound)
  },
  save: async (changes, receipts = []) => {
    const [outcome] = await history.run(
      SAVE,
      [...changes.map(({ key }) => names.state(key)), ...receipts.map(({ id }) => names.receipt(id))],
      [
        String(changes.length),
        ...changes.flatMap(changeWords),
        ...receipts.map(({ bytes }) => asBuffer(bytes)),
      ],
    )
    return outcome === 'saved'
  },
  findReceipt: async (id) => {
    const [found] = await history.mget([names.receipt(id)])
    return found ? new Uint8Array(found) : undefined
  },
  // Redis expires receipts itself (PX).
  sweepReceipts: async () => undefined,
  readNote: async (note) => {
    const reply = (await connection.send(['HGET', names.notes, note])) as Buffer | null
    await history.look()
    return reply?.toString()
  },
  writeNote: (note, text) => history.write([names.notes], [['HSET', names.notes, note, text]]),
})

/** All of a store at once. */
export const wholeCalls = ({
  connection,
  names,
  history,
}: RedisLink): Pick<SharedStateStore, 'entries' | 'count' | 'lookThrough'> => ({
  async *entries(kind) {
    await history.look()
    const seen = new Set<string>()
    for await (const found of scan(connection, names.statesOf(kind))) {
      // A key can come twice while the server grows its table.
      const keys = found.filter((key) => !seen.has(key))
      for (const key of keys) seen.add(key)
      if (keys.length === 0) continue
      const values = await history.mget(keys)
      for (let i = 0; i < keys.length; i++) {
        const state = decodeFound(values[i] ?? null)
        if (state !== undefined)
          yield { token: Number(keys[i]!.slice(keys[i]!.lastIndexOf(':') + 1)), ...state }
      }
    }
  },
  lookThrough: async (from, most, bytes) => {
    await history.look()
    const { cursor, keys } = await scanFrom(connection, names.states, from ?? '0', most)
    const last = String(VERSION_BYTES + bytes - 1)
    const [heads, lives] = await Promise.all([
      Promise.all(keys.map((key) => connection.send(['GETRANGE', key, '0', last]))),
      Promise.all(keys.map((key) => connection.send(['PTTL', key]))),
    ])
    const states = keys.flatMap((key, i) => {
      const begin = heads[i] as Buffer
      // Gone meanwhile.
      if (begin.length < VERSION_BYTES) return []
      const [kind, token] = key.slice(names.states.length).split(/:(?=\d+$)/) as [EntityKind, string]
      const { version, bytes: head } = decode(begin)
      return [{ key: { kind, token: Number(token) }, version, head, isLeaving: Number(lives[i]) >= 0 }]
    })
    return { states, next: cursor === '0' ? undefined : cursor }
  },
  count: async () => {
    const found = new Set<string>()
    for await (const keys of scan(connection, names.states)) for (const key of keys) found.add(key)
    await history.look()
    const counts = new Map<EntityKind, number>(ENTITY_KINDS.map((kind) => [kind, 0]))
    for (const key of found) {
      const kind = key.slice(names.states.length, key.lastIndexOf(':'))
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    return byKind([...counts.keys()], (kind) => counts.get(kind)!)
  },
})

const decode = (stored: Buffer): StoredState => ({
  version: stored.readDoubleLE(0),
  bytes: new Uint8Array(stored.subarray(VERSION_BYTES)),
})

const decodeFound = (stored: Buffer | null): StoredState | undefined =>
  stored === null ? undefined : decode(stored)
