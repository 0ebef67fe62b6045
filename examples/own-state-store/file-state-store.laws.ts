import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { type StateStoreSubject, stateStoreLaws } from 'vigia/testing'
import { openFileStateStore } from './file-state-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'own-state-store-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let stores = 0
const subject: StateStoreSubject = {
  open: () => openFileStateStore(join(folder, `${++stores}.json`)),
  reopen: () => openFileStateStore(join(folder, `${stores}.json`)),
}

for (const law of stateStoreLaws)
  test(law.title, { skip: law.skipReason(subject) ?? false }, () => law.check(subject))
