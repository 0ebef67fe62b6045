#!/usr/bin/env node
// Writes every file that is made from the code: documentation, JSON Schemas, complete configuration files.
// With --check it writes nothing and fails when a file is not current.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const ready = spawnSync(process.execPath, ['scripts/ensure-ready.mjs'], { stdio: 'inherit' })
if (ready.status !== 0) process.exit(ready.status ?? 1)

// From the sources, so that no build can be out of date.
const { tsImport } = await import('tsx/esm/api')
const { generatedFiles } = await tsImport('../src/composition/generated-files.ts', import.meta.url)
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const isCheck = process.argv.includes('--check')
let stale = 0
for (const { path, content } of await generatedFiles(version)) {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) continue
  stale += 1
  if (!isCheck) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  console.log(isCheck ? `not current: ${path}` : `written: ${path}`)
}
if (stale === 0) console.log('All generated files are current.')
else if (isCheck) console.error('Next step: run `npm run docs` and commit what it writes.')
process.exitCode = isCheck && stale > 0 ? 1 : 0
