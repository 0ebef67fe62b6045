import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { stateStoreContract } from '../../../test/contracts/state-store-contract.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-lmdb-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

let folder = work
const reopen = () => openLmdbStateStore({ folder, owner: OWNER })

stateStoreContract(
  'the LMDB store',
  () => {
    folder = mkdtempSync(join(work, 'store-'))
    return reopen()
  },
  { reopen },
)

const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }
