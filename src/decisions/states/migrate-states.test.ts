import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { unwatchedWork } from '../../disk/work.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import { ANY_EVENT_TIME } from '../../transaction/event-time.ts'
import { testModel } from '../inference.test-kit.ts'
import { documentName, documentOf } from '../log/model-document.ts'
import { migrateStates } from './migrate-states.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-migrate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a log whose amounts have other decimals is refused before anything is read: they would be others', async () => {
  const logged = documentOf(testModel('old'))
  const log = {
    documentNames: async () => ['origin', documentName(logged.key)],
    readDocument: async (name: string) => (name === 'origin' ? '{}' : JSON.stringify(logged)),
  } as unknown as LogReader
  const model = testModel('new')
  const base = { currency: 'EUR', rate: 'eur', decimals: 2, largestMinor: 99_999_999_999 }
  const migration = (amounts: typeof DEFAULT_AMOUNTS) =>
    migrateStates({
      model: { ...model, settings: { ...model.settings, amounts } },
      run: join(folder, 'none'),
      logs: [folder],
      openLog: () => log,
      eventTime: ANY_EVENT_TIME,
      out: join(folder, 'out'),
      work: unwatchedWork({ threads: 1, memoryLimit: '100MB', tempDirectory: folder }),
    })
  await expect(migration({ ...DEFAULT_AMOUNTS, decimals: 4, base })).rejects.toMatchObject({
    code: 'SERVING_AMOUNTS_DIFFER',
  })
  // With the same decimals the log is fine, and the run is looked for.
  await expect(migration({ ...DEFAULT_AMOUNTS, base })).rejects.toMatchObject({
    code: 'PIPELINE_HISTORY_MISSING',
  })
})
