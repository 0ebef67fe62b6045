#!/usr/bin/env node
// Prepares what the integration tests need and runs them: Python virtual environments, .venv with the peers of
// test/integration/requirements.txt and .venv-mlflow with the MLflow of requirements-mlflow.txt. What cannot be prepared is said, and the
// tests that need it skip with that reason. Tests find an interpreter in the environment variable PEER_PYTHON or MLFLOW_PYTHON, or the
// reason for its absence in PEER_PYTHON_MISSING or MLFLOW_PYTHON_MISSING.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const ENVIRONMENTS = [
  {
    folder: '.venv',
    requirements: 'test/integration/requirements.txt',
    variable: 'PEER_PYTHON',
    activity: 'comparisons with the Python peers',
  },
  {
    folder: '.venv-mlflow',
    requirements: 'test/integration/requirements-mlflow.txt',
    variable: 'MLFLOW_PYTHON',
    activity: 'tests with a real MLflow',
  },
]
const INSTALL_LIMIT_MS = 8 * 60_000

const prepareOnly = process.argv.includes('--prepare-only')
const variables = {}
for (const { variable, activity, ...environment } of ENVIRONMENTS.slice(0, prepareOnly ? 1 : undefined)) {
  const python = join(
    environment.folder,
    ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
  )
  const reason = preparePython(python, environment)
  if (reason === undefined) variables[variable] = join(process.cwd(), python)
  else {
    variables[`${variable}_MISSING`] = reason
    process.stderr.write(`Skipped: ${activity}, because ${reason}.\n`)
  }
}
// The benchmarks need the peers alone.
if (prepareOnly) process.exit(0)

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
  { stdio: 'inherit', env: { ...process.env, ...variables } },
)
process.exit(tests.status ?? 1)

/** Why there is no Python with what is required; undefined when there is. */
function preparePython(python, { folder, requirements }) {
  const wanted = readFileSync(requirements, 'utf8')
  const stamp = join(folder, '.installed-requirements')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(python)) return undefined
  if (!succeeds('python3', ['--version'])) return 'python3 is not installed'
  process.stderr.write(`Preparing ${requirements} in ${folder}…\n`)
  if (!existsSync(python) && !succeeds('python3', ['-m', 'venv', folder])) {
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
    requirements,
  ]
  if (!succeeds(python, install))
    return `pip could not install ${requirements} (is the package index reachable?)`
  writeFileSync(stamp, wanted)
  return undefined
}

function succeeds(command, words) {
  return spawnSync(command, words, { stdio: ['ignore', 'ignore', 2], timeout: INSTALL_LIMIT_MS }).status === 0
}
