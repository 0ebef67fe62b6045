import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('what is built runs under its published name, and the report of a broken store names the laws', () => {
  const script = `
    import { createMemoryStateStore, runLaws, stateStoreLaws } from 'vigia/testing'
    const open = async () => ({ ...createMemoryStateStore(), save: async () => true })
    const { kept, broken, skipped } = await runLaws(stateStoreLaws, { open, reopen: 'memory ends' })
    console.log(JSON.stringify({ kept: kept.length, broken: broken.map(({ title }) => title), skipped }))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  const { broken, skipped } = JSON.parse(stdout) as { broken: string[]; skipped: unknown[] }
  expect(broken).toContain('law 1: what was saved is loaded, in the order of the keys')
  expect(skipped).toEqual([
    { title: 'law 5: what was saved is there when the store is opened again', reason: 'memory ends' },
  ])
})

test('each entry of the package has types beside its code', () => {
  const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as {
    exports: Record<string, { types: string; default: string }>
  }
  expect(Object.keys(exports)).toEqual(['.', './testing'])
  for (const entry of Object.values(exports)) {
    expect(readFileSync(`${ROOT}/${entry.types}`, 'utf8')).toContain('export')
    expect(entry.types.replace(/\.d\.ts$/, '')).toBe(entry.default.replace(/\.js$/, ''))
  }
})
