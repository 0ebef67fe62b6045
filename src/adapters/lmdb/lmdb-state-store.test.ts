import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { stateStoreLaws } from '../../testing/state-store-laws.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-lmdb-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

let folder = work
const reopen = () => openLmdbStateStore({ folder, owner: OWNER })

holdToLaws('the LMDB store keeps the laws of a state store', stateStoreLaws, {
  open: () => {
    folder = mkdtempSync(join(work, 'store-'))
    return reopen()
  },
  reopen,
})

const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }
