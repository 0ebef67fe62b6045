// A process of its own for failed-commit.test.ts: closes a store of which neither a save nor its end can be
// written, because the disk is full and another process has the folder.
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const [folder = ''] = process.argv.slice(2)
const owner = { processId: process.pid, host: 'test', isAlive: () => false }
const store = await openLmdbStateStore({ folder, owner })

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => String((error as { readonly code?: string }).code),
  )

const save = (token: number): Promise<string> =>
  codeOf(store.save([{ key: { kind: 'user', token }, expected: 0, bytes: new Uint8Array(100_000) }]))

/** Files of the folder that this process has open. */
const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd)).startsWith(folder)
    } catch {
      return false
    }
  }).length

let saved = 0
let outcome = await save(saved)
while (outcome === 'done' && saved < 1000) outcome = await save(++saved)
for (const name of readdirSync(folder)) if (name.startsWith('in-use-')) rmSync(join(folder, name))
const before = openFiles()
const closed = await codeOf(store.close())
const again = await codeOf(store.close())
const late = await codeOf(store.readNote('origin'))
const after = openFiles()
const next = await openLmdbStateStore({ folder, owner })
const [first] = await next.load([{ kind: 'user', token: 0 }])
const nextClosed = await codeOf(next.close())
const isOpen = before > 0
process.stdout.write(
  JSON.stringify({ outcome, isOpen, closed, again, late, after, first: first?.bytes.length, nextClosed }),
)
