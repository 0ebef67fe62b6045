import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { experimentTrackerLaws } from '../../testing/experiment-tracker-laws.ts'
import { modelRegistryLaws } from '../../testing/model-registry-laws.ts'
import { createFileStore } from './file-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-mlruns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = async () =>
  createFileStore({
    folder: join(folder, 'mlruns'),
    now: () => Date.now(),
    owner: { processId: process.pid, host: 'here', isAlive: () => true },
  })

holdToLaws('the embedded store keeps the laws of an experiment tracker', experimentTrackerLaws, {
  open: async () => (await open()).tracker,
})
holdToLaws('the embedded store keeps the laws of a model registry', modelRegistryLaws, { open })

test('a description with half of a character is refused: Python could not read the file', async () => {
  const { registry } = await open()
  await expect(registry.ensureModel('half', 'a \ud83d b')).rejects.toMatchObject({
    code: 'TRACKING_VALUE_INVALID',
  })
  await registry.ensureModel('whole', 'a \ud83c\udf32 b \\ud83d')
  expect((await registry.findModel('whole'))?.description).toBe('a \ud83c\udf32 b \\ud83d')
})
