// A process of its own for failed-commit.test.ts: saves states until the disk takes no more, and once more.
import { openLmdbStateStore } from './lmdb-state-store.ts'

const [folder = ''] = process.argv.slice(2)
const owner = { processId: process.pid, host: 'test', isAlive: () => false }
const store = await openLmdbStateStore({ folder, owner })

/** `done` when it resolves, and otherwise the code of the error. */
const outcomeOf = (work: Promise<unknown>, done: string): Promise<string> =>
  work.then(
    () => done,
    (error: unknown) => String((error as { readonly code?: string }).code),
  )

const save = (token: number): Promise<string> =>
  outcomeOf(
    store.save([{ key: { kind: 'user', token }, expected: 0, bytes: new Uint8Array(100_000) }]),
    'saved',
  )

let saved = 0
let outcome = await save(saved)
while (outcome === 'saved' && saved < 1000) outcome = await save(++saved)
const again = await save(saved)
const [first] = await store.load([{ kind: 'user', token: 0 }])
const flushed = await outcomeOf(store.flush(), 'flushed')
const closed = await outcomeOf(store.close(), 'closed')
process.stdout.write(JSON.stringify({ saved, outcome, again, first: first?.bytes.length, flushed, closed }))
