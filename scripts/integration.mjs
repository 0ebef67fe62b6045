#!/usr/bin/env node
// Prepares what the integration tests need and runs them: a Python virtual environment in .venv with the peers of
// test/integration/requirements.txt. What cannot be prepared is said, and the tests that need it skip with that reason.
// Tests find the interpreter in the environment variable PEER_PYTHON, or the reason for its absence in PEER_PYTHON_MISSING.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const REQUIREMENTS = 'test/integration/requirements.txt'
const STAMP = '.venv/.installed-requirements'
const PYTHON_IN_VENV = join(
  '.venv',
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
)
const INSTALL_LIMIT_MS = 8 * 60_000

const reason = preparePython()
if (reason !== undefined)
  process.stderr.write(`Skipped: comparisons with the Python peers, because ${reason}.\n`)
if (process.argv.includes('--prepare-only')) process.exit(0)

const tests = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'integration',
    '--passWithNoTests',
    ...process.argv.slice(2),
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(reason === undefined
        ? { PEER_PYTHON: join(process.cwd(), PYTHON_IN_VENV) }
        : { PEER_PYTHON_MISSING: reason }),
    },
  },
)
process.exit(tests.status ?? 1)

/** Why there is no Python with the peers; undefined when there is. */
function preparePython() {
  const wanted = readFileSync(REQUIREMENTS, 'utf8')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted && existsSync(PYTHON_IN_VENV))
    return undefined
  if (!succeeds('python3', ['--version'])) return 'python3 is not installed'
  process.stderr.write('Preparing the Python peers in .venv…\n')
  if (!existsSync(PYTHON_IN_VENV) && !succeeds('python3', ['-m', 'venv', '.venv'])) {
    return 'python3 cannot create a virtual environment (is its venv module installed?)'
  }
  const install = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--only-binary',
    ':all:',
    '-r',
    REQUIREMENTS,
  ]
  if (!succeeds(PYTHON_IN_VENV, install))
    return 'pip could not install the peers (is the package index reachable?)'
  writeFileSync(STAMP, wanted)
  return undefined
}

function succeeds(command, words) {
  return spawnSync(command, words, { stdio: ['ignore', 'ignore', 2], timeout: INSTALL_LIMIT_MS }).status === 0
}
