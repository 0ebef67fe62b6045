import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('package-lock.json names the packages of every platform (otherwise run scripts/complete-lock-file.mjs)', () => {
  const script = fileURLToPath(new URL('../../scripts/complete-lock-file.mjs', import.meta.url))
  expect(spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' }).stdout).toBe('')
})
