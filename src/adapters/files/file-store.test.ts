import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { experimentTrackerContract } from '../../../test/contracts/experiment-tracker-contract.ts'
import { modelRegistryContract } from '../../../test/contracts/model-registry-contract.ts'
import { createFileStore } from './file-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-mlruns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = async () =>
  createFileStore({
    folder: join(folder, 'mlruns'),
    now: () => Date.now(),
    owner: { processId: process.pid, host: 'here', isAlive: () => true },
  })

experimentTrackerContract('the embedded store', async () => (await open()).tracker)
modelRegistryContract('the embedded store', open)

test('a description with half of a character is refused: Python could not read the file', async () => {
  const { registry } = await open()
  await expect(registry.ensureModel('half', 'a \ud83d b')).rejects.toMatchObject({
    code: 'TRACKING_VALUE_INVALID',
  })
  await registry.ensureModel('whole', 'a \ud83c\udf32 b \\ud83d')
  expect((await registry.findModel('whole'))?.description).toBe('a \ud83c\udf32 b \\ud83d')
})
