// Commits to a shared store, and moves entries from it to a file, until it is killed:
// commit-forever.ts <url> <prefix> <name> <number of the first commit> <file>. A line for each commit that
// was answered tells what must be there.
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { VigiaError } from '../../src/errors.ts'
import type { EntityKey } from '../../src/ports/state-store.ts'
import { ENTITY_KINDS } from '../../src/transaction/entity-kind.ts'

const LANES = 4
const TOKENS = 3
const LIFE_MS = 3_600_000

const [url = '', prefix = '', name = '', first = '0', file = ''] = process.argv.slice(2)
const store = await openRedisStateStore({
  url,
  prefix,
  consumer: `${name}-${process.pid}`,
  takeOverAfterMs: 200,
})

/** Adds 1 to three states, and says in the entry which versions that gave. @returns its sequence number */
const addOnce = async (id: string): Promise<number | undefined> => {
  const keys = ENTITY_KINDS.map((kind): EntityKey => ({ kind, token: Math.floor(Math.random() * TOKENS) }))
  const states = await store.load(keys)
  const changes = keys.map((key, i) => {
    const { version = 0, bytes = Buffer.from('0') } = states[i] ?? {}
    return { key, bytes: Buffer.from(String(Number(Buffer.from(bytes)) + 1)), expected: version }
  })
  const written = changes.map(({ key, expected }) => [`${key.kind} ${key.token}`, expected + 1])
  const entry = Buffer.from(JSON.stringify({ id, written }))
  const outcome = await store.commit(changes, { id, bytes: Buffer.from(id) }, entry, LIFE_MS)
  if (outcome.outcome === 'committed') return outcome.sequence
  return outcome.outcome === 'repeated' ? Buffer.from(outcome.receipt).readDoubleLE(0) : undefined
}

const commitForever = async (lane: number): Promise<never> => {
  for (let number = Number(first); ; number++) {
    const id = `${name}/${lane}/${number}`
    const sequence = await untilAnswered(() => addOnce(id))
    process.stdout.write(`${JSON.stringify({ id, number, sequence })}\n`)
  }
}

const moveForever = async (): Promise<never> => {
  for (;;) {
    await untilAnswered(async () => {
      const entries = await store.takeEntries(16, 200)
      for (const { sequence, bytes } of entries)
        appendFileSync(file, `${JSON.stringify({ sequence, ...JSON.parse(String(Buffer.from(bytes))) })}\n`)
      await store.settle(entries.map(({ sequence }) => sequence))
      return true
    })
  }
}

/** Again until there is an answer: others were faster, or the server is away. */
const untilAnswered = async <T>(work: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    try {
      const answer = await work()
      if (answer !== undefined) return answer
    } catch (error) {
      if (!(error instanceof VigiaError && error.code === 'SERVING_STORE_FAILED')) throw error
      await pause(20)
    }
  }
}

await Promise.all([moveForever(), ...Array.from({ length: LANES }, (_, lane) => commitForever(lane))])
