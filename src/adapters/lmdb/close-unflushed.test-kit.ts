// A process of its own for failed-commit.test.ts: closes a store of which neither a save nor its end can be
// written, because the disk is full and another process has the folder.
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fillDisk, folder, openStore, outcomeOf } from './full-disk.test-kit.ts'

const store = await openStore()

/** Files of the folder that this process has open. */
const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd)).startsWith(folder)
    } catch {
      return false
    }
  }).length

const { outcome } = await fillDisk(store)
for (const name of readdirSync(folder)) if (name.startsWith('in-use-')) rmSync(join(folder, name))
const before = openFiles()
const closed = await outcomeOf(store.close(), 'done')
const again = await outcomeOf(store.close(), 'done')
const late = await outcomeOf(store.readNote('origin'), 'done')
const after = openFiles()
const next = await openStore()
const [first] = await next.load([{ kind: 'user', token: 0 }])
const nextClosed = await outcomeOf(next.close(), 'done')
const isOpen = before > 0
process.stdout.write(
  JSON.stringify({ outcome, isOpen, closed, again, late, after, first: first?.bytes.length, nextClosed }),
)
