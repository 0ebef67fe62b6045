import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

it('threads of sources start from any folder, also one without packages', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'vigia-elsewhere-'))
  onTestFinished(() => rm(elsewhere, { recursive: true }))
  const { VIGIA_BUILT_WORKERS: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
      fileURLToPath(new URL('./start-a-worker.mjs', import.meta.url)),
    ],
    { cwd: elsewhere, env },
  )
  expect(JSON.parse(stdout)).toEqual({ from: 'a thread', got: { word: 'amount' } })
})
