#!/usr/bin/env node
// Makes a fresh clone ready: installs when node_modules is missing or older than the lock file, and with
// --build compiles when dist is missing or older than a source file. Plain Node and no dependency, because it
// runs before there is any.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js ${process.versions.node} is too old: 20.19 or newer is needed.`, 'Install a newer Node.js.')
}

const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)
const newestUnder = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.includes('.test'))
    .reduce((newest, entry) => Math.max(newest, timeOf(join(entry.parentPath, entry.name))), 0)

// `npm install` writes both lock files at about the same moment, in no fixed order.
const SAME_MOMENT_MS = 10_000

// npm writes this file last, so its time says when an installation was complete.
const installed = timeOf('node_modules/.package-lock.json')
if (installed === 0 || installed + SAME_MOMENT_MS < timeOf('package-lock.json')) {
  run(
    'Installing dependencies (npm ci)…',
    'npm',
    ['ci', '--no-audit', '--no-fund'],
    'Check the network, then run `npm ci`.',
  )
}

if (process.argv.includes('--build')) {
  const newest = Math.max(
    newestUnder('src'),
    timeOf('tsconfig.json'),
    timeOf('tsconfig.build.json'),
    timeOf('package-lock.json'),
    timeOf('scripts/build.mjs'),
  )
  if (timeOf('dist/.built') < newest)
    run('Building…', process.execPath, ['scripts/build.mjs'], 'Correct what the compiler says above.')
}

function run(message, command, words, nextStep) {
  process.stderr.write(`${message}\n`)
  // A shell only where npm is a .cmd file.
  const result = spawnSync(command, words, {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  })
  if (result.status !== 0) fail(`${message} failed.`, nextStep)
}

function fail(message, nextStep) {
  process.stderr.write(`${message}\nNext step: ${nextStep}\n`)
  process.exit(2)
}
