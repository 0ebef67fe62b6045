// A process of its own for failed-commit.test.ts: saves states until the disk takes no more, and once more.
import { fillDisk, openStore, outcomeOf, saveState } from './full-disk.test-kit.ts'

const store = await openStore()
const { saved, outcome } = await fillDisk(store)
const again = await saveState(store, saved)
const [first] = await store.load([{ kind: 'user', token: 0 }])
const flushed = await outcomeOf(store.flush(), 'flushed')
const closed = await outcomeOf(store.close(), 'closed')
process.stdout.write(JSON.stringify({ saved, outcome, again, first: first?.bytes.length, flushed, closed }))
