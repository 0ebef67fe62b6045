import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { openRedisStateStore, type RedisOptions } from '../../src/adapters/redis/redis-state-store.ts'
import type { EntityKey, OutboxEntry, SharedStateStore } from '../../src/ports/state-store.ts'
import { ENTITY_KINDS } from '../../src/transaction/entity-kind.ts'
import { eventually } from '../eventually.ts'
import { HAS_OPENSSL, makeCertificate } from './certificate.ts'
import {
  freePort,
  REDIS_SERVER,
  REDIS_SERVER_MISSING,
  type RedisServer,
  startRedisServer,
} from './redis-server.ts'

const title = REDIS_SERVER === undefined ? `A Redis (skipped: ${REDIS_SERVER_MISSING})` : 'A Redis'

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const startServer = async (settings: readonly string[] = []): Promise<RedisServer> => {
    const server = await startRedisServer(settings)
    ends.push(() => server.stop())
    return server
  }
  const open = async (url: string, options: Partial<RedisOptions> = {}): Promise<SharedStateStore> => {
    const store = await openRedisStateStore({ url, prefix: 'states', consumer: 'test', ...options })
    ends.push(() => store.close())
    return store
  }
  const connect = async (url: string) => {
    const connection = await openRedisConnection(url, 'the server of the test')
    ends.push(() => connection.close())
    return connection
  }

  test('that is killed fails every call at once, and goes on with what it had when it is there again', async () => {
    const server = await startServer()
    const store = await open(server.url)
    await store.save([{ key: ada, bytes: bytes('one'), expected: 0 }])
    expect(await commit(store, 't1', 1)).toMatchObject({ outcome: 'committed', sequence: 1 })
    const waiting = store.takeEntries(10, 1)
    expect(await waiting).toHaveLength(1)
    const interrupted = [store.takeEntries(10, 60_000), store.takeEntries(10, 60_000)]
    const answers = Promise.allSettled(interrupted)
    await store.load([ada])
    await server.kill()
    for (const answer of await answers)
      expect(answer).toMatchObject({
        status: 'rejected',
        reason: { code: 'SERVING_STORE_FAILED', status: 503 },
      })
    for (const call of callsOf(store))
      await expect(call()).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
    await expect(store.load([ada])).rejects.toThrow(
      `The state store redis at 127.0.0.1:${server.port} cannot be used: `,
    )

    await server.start()
    await eventually(() => store.load([ada]))
    const [state] = await store.load([ada])
    expect([text(state?.bytes), state?.version]).toEqual(['committed t1', 2])
    expect(await commit(store, 't1', 2)).toMatchObject({ outcome: 'repeated' })
    expect(await commit(store, 't2', 2)).toMatchObject({ outcome: 'committed', sequence: 2 })
    await eventually(() => store.takeEntries(10, 1))
    const heir = await open(server.url, { consumer: 'heir', takeOverAfterMs: 0 })
    const seen = new Set<number>()
    await eventually(async () => {
      for (const { sequence } of await heir.takeEntries(10, 1)) seen.add(sequence)
      expect([...seen].sort()).toEqual([1, 2])
    })
  })

  test('that says nothing any more fails what waits for it, and goes on when it speaks again', async () => {
    const server = await startServer()
    const store = await open(server.url)
    await commit(store, 't1', 0)
    server.freeze()
    // Calls that come one after the other must not make the silence look like a conversation.
    const answers: Promise<unknown>[] = []
    const calls = setInterval(() => answers.push(store.load([ada]).catch((error: unknown) => error)), 50)
    ends.push(() => clearInterval(calls))
    await expect(store.load([ada])).rejects.toThrow('no answer for 3 seconds')
    await expect(store.load([ada])).rejects.toThrow('no answer for 3 seconds')
    clearInterval(calls)
    for (const answer of await Promise.all(answers))
      expect(answer).toMatchObject({ code: 'SERVING_STORE_FAILED' })
    server.thaw()
    await eventually(() => store.load([ada]))
    expect(await commit(store, 't2', 1)).toMatchObject({ outcome: 'committed', sequence: 2 })
  })

  test('that has forgotten the scripts is told them again', async () => {
    const server = await startServer()
    const store = await open(server.url)
    const connection = await connect(server.url)
    for (const [i, id] of ['t1', 't2'].entries()) {
      await connection.send(['SCRIPT', 'FLUSH'])
      expect(await commit(store, id, i)).toMatchObject({ outcome: 'committed', sequence: i + 1 })
    }
  })

  test('without memory refuses a commit whole: no state, no receipt, no number', async () => {
    const server = await startServer()
    const store = await open(server.url)
    const connection = await connect(server.url)
    await commit(store, 't1', 0)
    await connection.send(['CONFIG', 'SET', 'maxmemory', '1'])
    await expect(commit(store, 't2', 1)).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
    await expect(store.save([{ key: ada, bytes: bytes('lost'), expected: 1 }])).rejects.toThrow(/memory/)
    expect((await store.load([ada]))[0]?.version).toBe(1)
    expect(await store.findReceipt('t2')).toBeUndefined()
    await connection.send(['CONFIG', 'SET', 'maxmemory', '0'])
    expect(await commit(store, 't2', 1)).toMatchObject({ outcome: 'committed', sequence: 2 })
    expect((await store.takeEntries(10, 1)).map(({ sequence }) => sequence)).toEqual([1, 2])
  })

  test('whose number was lost refuses commits whole, rather than give a number twice', async () => {
    const server = await startServer()
    const store = await open(server.url)
    const connection = await connect(server.url)
    await commit(store, 't1', 0)
    await connection.send(['DEL', '{states}:sequence'])
    await expect(commit(store, 't2', 1)).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
    expect((await store.load([ada]))[0]?.version).toBe(1)
    expect(await store.findReceipt('t2')).toBeUndefined()
  })

  test('that removes keys when its memory is full is refused', async () => {
    const server = await startServer(['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-lru'])
    await expect(open(server.url)).rejects.toThrow(
      'its maxmemory-policy is volatile-lru, and must be noeviction',
    )
    await (await connect(server.url)).send(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'])
    await open(server.url)
  })

  test('lets in who has the password, and no error tells it', async () => {
    const server = await startServer(['--requirepass', 'pass/wörd'])
    const at = (login: string) => server.url.replace('//', `//${login}@`)
    await open(at(`:${encodeURIComponent('pass/wörd')}`))
    for (const login of ['', ':no%2Fsecret', 'nobody:no%2Fsecret']) {
      const error: unknown = await open(at(login)).catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        code: 'SERVING_STORE_FAILED',
        details: { reason: expect.stringMatching(/^(WRONGPASS|NOAUTH)/) },
      })
      expect(error).not.toHaveProperty('cause')
      expect(String((error as Error).stack)).not.toMatch(/no%2Fsecret|no\/secret/)
    }
  })

  test('serves a user that may use nothing but the keys of the prefix, and no dangerous command', async () => {
    const server = await startServer()
    const connection = await connect(server.url)
    await connection.send([
      'ACL',
      'SETUSER',
      'vigia',
      'on',
      '>secret',
      '~{states}:*',
      '+@all',
      '-@admin',
      '-@dangerous',
    ])
    const store = await open(server.url.replace('//', '//vigia:secret@'))
    expect(await commit(store, 't1', 0)).toMatchObject({ outcome: 'committed', sequence: 1 })
    expect((await store.takeEntries(10, 1)).map(({ sequence }) => sequence)).toEqual([1])
    await store.settle([1])
    expect(await store.count()).toEqual({ user: 1, merchant: 0, device: 0 })
    await store.clear()
    await expect(open(server.url.replace('//', '//vigia:secret@'), { prefix: 'other' })).rejects.toThrow(
      'NOPERM',
    )
  })

  test('keeps databases apart', async () => {
    const server = await startServer()
    const [first, second] = [await open(`${server.url}/1`), await open(`${server.url}/2`)]
    await commit(first, 't1', 0)
    expect(await second.load([ada])).toEqual([undefined])
    await expect(open(`${server.url}/99`)).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
  })

  test('forgets the name of a process that leaves nothing behind, and keeps that of one that does', async () => {
    const server = await startServer()
    const connection = await connect(server.url)
    const names = async () => {
      const consumers = (await connection.send([
        'XINFO',
        'CONSUMERS',
        '{states}:outbox',
        'logs',
      ])) as readonly Buffer[][]
      return consumers.map(([, name]) => String(name)).sort()
    }
    const [tidy, untidy] = await Promise.all(
      ['tidy', 'untidy'].map((consumer) =>
        openRedisStateStore({ url: server.url, prefix: 'states', consumer }),
      ),
    )
    await commit(tidy!, 't1', 0)
    await untidy!.takeEntries(1, 1)
    await commit(tidy!, 't2', 1)
    await tidy!.takeEntries(1, 1)
    await tidy!.settle([2])
    expect(await names()).toEqual(['tidy', 'untidy'])
    await tidy!.close()
    await untidy!.close()
    expect(await names()).toEqual(['untidy'])
  })

  test('that is not there, or an address that is none, is said without its password', async () => {
    const port = await freePort()
    await expect(open(`redis://user:secret@127.0.0.1:${port}`)).rejects.toThrow(
      `The state store redis at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}`,
    )
    await expect(open(`redis://user:secret@localhost:${port}`)).rejects.toThrow(/ECONNREFUSED/)
    for (const [url, code] of [
      ['user:secret@host', 'SERVING_STORE_ADDRESS'],
      ['http://user:secret@host', 'SERVING_STORE_ADDRESS'],
      ['redis://user:secret%@host', 'SERVING_STORE_FAILED'],
      ['redis://:secret@h/x', 'SERVING_STORE_FAILED'],
    ] as const) {
      const error: unknown = await open(url).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code })
      expect(JSON.stringify(error) + (error as Error).stack).not.toContain('secret')
    }
  })

  test.skipIf(!HAS_OPENSSL)(
    'behind TLS is used when its certificate is vouched for, and refused when not',
    async () => {
      const folder = temporary('vigia-redis-tls-')
      const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
      makeCertificate(key, certificate)
      const tlsPort = await freePort()
      await startServer([
        ...['--tls-port', `${tlsPort}`, '--tls-cert-file', certificate, '--tls-key-file', key],
        ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'],
      ])
      const url = `rediss://localhost:${tlsPort}`
      await expect(open(url)).rejects.toThrow(/self-signed certificate/)
      const client = startClient(url, 'trusting', 0, join(folder, 'trusting.log'), {
        NODE_EXTRA_CA_CERTS: certificate,
      })
      ends.push(() => client.kill())
      await client.lines(3)
    },
  )

  test('and its clients, killed at any moment, lose nothing that was answered and do nothing twice', async () => {
    const server = await startServer()
    const folder = temporary('vigia-redis-killed-')
    const answered = new Map<string, number>()
    const next = [0, 0]
    for (let round = 0; round < ROUNDS; round++) {
      // What was not answered, and some of what was, is sent again.
      const clients = next.map((number, i) =>
        startClient(server.url, `client-${i}`, Math.max(0, number - 3), join(folder, `${round}-${i}.log`)),
      )
      ends.push(...clients.map((client) => () => client.kill()))
      await Promise.all(clients.map((client) => client.lines(20)))
      await pause(100 * Math.random())
      if (round % 3 === 1) {
        await server.kill()
        await server.start()
        await Promise.all(clients.map((client) => client.lines(client.count() + 20)))
      }
      await Promise.all(clients.map((client) => client.kill()))
      for (const [i, client] of clients.entries()) {
        const lanes = new Map<string, number>()
        for (const { id, number, sequence } of client.answers()) {
          expect(answered.get(id) ?? sequence).toBe(sequence)
          answered.set(id, sequence)
          lanes.set(id.slice(0, id.lastIndexOf('/')), number)
        }
        next[i] = Math.min(...lanes.values())
      }
    }

    const heir = await open(server.url, { consumer: 'heir', takeOverAfterMs: 0 })
    const moved = readdirSync(folder).flatMap((file) => readMoved(join(folder, file)))
    const left = (await drain(heir)).map(
      ({ sequence, bytes: entry }) => ({ sequence, ...JSON.parse(text(entry)!) }) as Moved,
    )
    const bySequence = new Map<number, Moved>()
    for (const entry of [...moved, ...left]) {
      expect(bySequence.get(entry.sequence) ?? entry).toEqual(entry)
      bySequence.set(entry.sequence, entry)
    }
    const entries = [...bySequence.values()].sort((a, b) => a.sequence - b.sequence)
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1))
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)

    // In the order of their numbers, the commits give each state its versions one by one, up to the one it
    // has.
    const versions = new Map<string, number>()
    for (const { written } of entries)
      for (const [key, version] of written) {
        expect(version).toBe((versions.get(key) ?? 0) + 1)
        versions.set(key, version)
      }
    const keys = ENTITY_KINDS.flatMap((kind) => [0, 1, 2].map((token): EntityKey => ({ kind, token })))
    for (const [i, state] of (await heir.load(keys)).entries()) {
      const version = versions.get(`${keys[i]!.kind} ${keys[i]!.token}`)
      expect([state?.version, text(state?.bytes)]).toEqual([version, `${version}`])
    }

    expect(answered.size).toBeGreaterThan(ROUNDS * 40)
    const ids = new Map(entries.map(({ id, sequence }) => [id, sequence]))
    for (const [id, sequence] of answered) {
      expect(ids.get(id)).toBe(sequence)
      expect(text((await heir.findReceipt(id))?.subarray(8))).toBe(id)
    }
    expect(await commit(heir, 'last', versions.get('user 0') ?? 0, { kind: 'user', token: 0 })).toMatchObject(
      {
        outcome: 'committed',
        sequence: entries.length + 1,
      },
    )
  })

  const temporary = (begin: string): string => {
    const folder = mkdtempSync(join(tmpdir(), begin))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }
})

const ROUNDS = 5
const LONG_MS = 3_600_000
const ada: EntityKey = { kind: 'user', token: 1815 }
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)

const commit = (store: SharedStateStore, id: string, expected: number, key = ada) =>
  store.commit(
    [{ key, bytes: bytes(`committed ${id}`), expected }],
    { id, bytes: bytes('receipt') },
    bytes(id),
    LONG_MS,
  )

const callsOf = (store: SharedStateStore): readonly (() => Promise<unknown>)[] => [
  () => store.load([ada]),
  () => store.save([{ key: ada, bytes: bytes('lost'), expected: 1 }]),
  () => store.findReceipt('t1'),
  () => store.readNote('origin'),
  () => store.writeNote('origin', 'lost'),
  () => store.count(),
  () => store.clear(),
  () => commit(store, 't2', 2),
  () => store.takeEntries(10, 1),
  () => store.settle([1]),
]

const drain = async (store: SharedStateStore): Promise<OutboxEntry[]> => {
  const all: OutboxEntry[] = []
  for (;;) {
    const taken = await store.takeEntries(1000, 1)
    if (taken.length === 0) return all
    await store.settle(taken.map(({ sequence }) => sequence))
    all.push(...taken)
  }
}

/** A line of a client's file: the commit, and the versions it gave to states. */
interface Moved {
  readonly sequence: number
  readonly id: string
  readonly written: readonly (readonly [key: string, version: number])[]
}

/** The last line of a client that was killed can be cut short; then its entry was not settled. */
const readMoved = (file: string): Moved[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Moved)

interface Answer {
  readonly id: string
  readonly number: number
  readonly sequence: number
}

const startClient = (
  url: string,
  name: string,
  first: number,
  file: string,
  environment: NodeJS.ProcessEnv = {},
) => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/integration/commit-forever.ts', url, 'states', name, `${first}`, file],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } },
  )
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += String(chunk)
  })
  const closed = once(child, 'close')
  const answers = (): Answer[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Answer)
  const count = (): number => output.split('\n').length - 1
  return {
    answers,
    count,
    /** Resolves when it has told so many lines. */
    lines: async (wanted: number): Promise<void> => {
      while (count() < wanted) {
        if (child.exitCode !== null) throw new Error(`the client ended with ${child.exitCode}`)
        await pause(10)
      }
    },
    kill: async (): Promise<void> => {
      child.kill('SIGKILL')
      await closed
    },
  }
}
