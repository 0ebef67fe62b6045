// A process of its own for failed-commit.test.ts: saves states until the disk takes no more, and once more.
import { openLmdbStateStore } from './lmdb-state-store.ts'

const [folder = ''] = process.argv.slice(2)
const owner = { processId: process.pid, host: 'test', isAlive: () => false }
const store = await openLmdbStateStore({ folder, owner })

const save = (token: number): Promise<string> =>
  store.save([{ key: { kind: 'user', token }, expected: 0, bytes: new Uint8Array(100_000) }]).then(
    () => 'saved',
    (error: unknown) => String((error as { readonly code?: string }).code),
  )

let saved = 0
let outcome = await save(saved)
while (outcome === 'saved' && saved < 1000) outcome = await save(++saved)
const again = await save(saved)
const [first] = await store.load([{ kind: 'user', token: 0 }])
const flushed = await store.flush().then(
  () => 'flushed',
  (error: unknown) => String((error as { readonly code?: string }).code),
)
const closed = await store.close().then(
  () => 'closed',
  (error: unknown) => String((error as { readonly code?: string }).code),
)
process.stdout.write(JSON.stringify({ saved, outcome, again, first: first?.bytes.length, flushed, closed }))
