import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadServingConfig } from '../config/config-manager.ts'
import { createServingStorage } from './open-serving-storage.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-storage-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

test.each([
  ['beside it', 'log', 'state'],
  ['in it', 'log', 'log/state'],
  ['around it', 'data/log', 'data'],
])(
  'a log and its states, %s, are both opened, and again when they were closed',
  async (where, log, state) => {
    const assignments = [`prediction_log.path=${where}/${log}`, `state_store.path=${where}/${state}`]
    const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: work })
    for (const round of [1, 2]) {
      const storage = createServingStorage({
        processId: process.pid,
        host: hostname(),
        isAlive: () => true,
      })
      const { store } = await storage.openStates(settings.state_store)
      const opened = await storage.openLog(settings.prediction_log)
      await opened.append(round, new Uint8Array(8))
      await store.writeNote('round', String(round))
      expect([opened.lastSequence, await store.readNote('round')]).toEqual([round, String(round)])
      await store.close()
      await opened.close()
    }
  },
)
