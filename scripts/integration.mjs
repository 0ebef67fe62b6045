#!/usr/bin/env node
// Prepares what the integration tests need and runs them: Python virtual environments, .venv with the peers
// of test/integration/requirements.txt, .venv-mlflow with the MLflow of requirements-mlflow.txt,
// .venv-serving with the fuzzer of requirements-serving.txt and .venv-storage with the object store of
// requirements-storage.txt, and servers, which are looked for in PATH and otherwise installed where this is
// Debian and we are root. What cannot be prepared is said, and the tests that need it skip with that reason.
// Tests find an interpreter in the environment variable PEER_PYTHON, MLFLOW_PYTHON, SERVING_PYTHON or
// STORAGE_PYTHON, a server in REDIS_SERVER, PROMETHEUS_SERVER, ALERTMANAGER_SERVER or POSTGRES_SERVER (its
// pg_ctl) and a browser in BROWSER_PROGRAM, or the reason for its absence in the same name with _MISSING. A
// server's variable that is set already is used as it is.
//
// node scripts/integration.mjs [--long] [words of Vitest]
//   --long           runs test/long instead of test/integration
//   --prepare        prepares all of it and runs nothing
//   --prepare-peers  prepares the peers, which are all that benchmarks need, and runs nothing
import { spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
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
    activity: 'tests with a real MLflow, and with clients of other protocols',
  },
  {
    folder: '.venv-serving',
    requirements: 'test/integration/requirements-serving.txt',
    variable: 'SERVING_PYTHON',
    activity: 'fuzzing of the server by its OpenAPI document',
  },
  {
    folder: '.venv-storage',
    requirements: 'test/integration/requirements-storage.txt',
    variable: 'STORAGE_PYTHON',
    activity: 'backups in an object store',
  },
]
/** The first of `programs` that is found is used; `debianPackage` brings one. */
const SERVERS = [
  {
    programs: ['redis-server', 'valkey-server'],
    debianPackage: 'redis-server',
    variable: 'REDIS_SERVER',
    activity: 'tests with a real Redis',
  },
  {
    programs: ['prometheus'],
    debianPackage: 'prometheus',
    variable: 'PROMETHEUS_SERVER',
    activity: 'tests with a real Prometheus',
  },
  {
    programs: ['prometheus-alertmanager', 'alertmanager'],
    debianPackage: 'prometheus-alertmanager',
    variable: 'ALERTMANAGER_SERVER',
    activity: 'tests with a real Alertmanager',
  },
  {
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    debianPackage: 'chromium',
    variable: 'BROWSER_PROGRAM',
    activity: 'tests of pages in a browser',
  },
  {
    programs: ['pg_ctl'],
    // Debian keeps its programs out of PATH, a folder for each version.
    folders: '/usr/lib/postgresql',
    debianPackage: 'postgresql',
    variable: 'POSTGRES_SERVER',
    activity: 'tests with a real PostgreSQL',
  },
]
/** Ends what hangs; a machine with much else to do takes minutes. */
const INSTALL_LIMIT_MS = 15 * 60_000
const PACKAGE_LIMIT_MS = 5 * 60_000

const OWN_WORDS = ['--long', '--prepare', '--prepare-peers']
const given = process.argv.slice(2)
const isGiven = (word) => given.includes(word)
const onlyPeers = isGiven('--prepare-peers')
const variables = {}
// Side by side: what they wait for is the package index.
await Promise.all(
  ENVIRONMENTS.slice(0, onlyPeers ? 1 : undefined).map(async ({ variable, activity, ...environment }) => {
    const python = join(
      environment.folder,
      ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
    )
    const reason = await preparePython(python, environment)
    tell({ variable, activity, reason, path: join(process.cwd(), python) })
  }),
)
for (const { variable, activity, ...server } of onlyPeers ? [] : SERVERS)
  if (!process.env[variable]) tell({ variable, activity, ...prepareServer(server) })
if (onlyPeers || isGiven('--prepare')) process.exit(0)

const words = ['run', '--project', isGiven('--long') ? 'long' : 'integration', '--passWithNoTests']
const tests = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', ...words, ...given.filter((word) => !OWN_WORDS.includes(word))],
  { stdio: 'inherit', env: { ...process.env, ...variables } },
)
process.exit(tests.status ?? 1)

/** Keeps where something is for the tests, or says why they skip what needs it. */
function tell({ variable, activity, reason, path }) {
  if (reason === undefined) variables[variable] = path
  else {
    variables[`${variable}_MISSING`] = reason
    process.stderr.write(`Skipped: ${activity}, because ${reason}.\n`)
  }
}

/** Why there is no Python with what is required; undefined when there is. */
async function preparePython(python, { folder, requirements }) {
  const wanted = readFileSync(requirements, 'utf8')
  const stamp = join(folder, '.installed-requirements')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(python)) return undefined
  if (!(await succeeds('python3', ['--version']))) return 'python3 is not installed'
  process.stderr.write(`Preparing ${requirements} in ${folder}…\n`)
  if (!existsSync(python) && !(await succeeds('python3', ['-m', 'venv', folder]))) {
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
    // Most modules are never imported: those that are, Python compiles then.
    '--no-compile',
    '-r',
    requirements,
  ]
  if (!(await succeeds(python, install)))
    return `pip could not install ${requirements} (is the package index reachable?)`
  writeFileSync(stamp, wanted)
  return undefined
}

/** Where the server's program is, or why there is none. */
function prepareServer({ programs, folders, debianPackage }) {
  const found = inPath(programs, folders)
  if (found !== undefined) return { path: found }
  const missing = `${programs.join(' or ')} is not in PATH`
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0)
    return { reason: `${missing}, and only root on a Debian installs it here` }
  process.stderr.write(`Installing the package ${debianPackage}…\n`)
  // Run level 1: the package must not start a server of its own.
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const packages = (words) =>
    spawnSync('apt-get', words, {
      stdio: ['ignore', 'ignore', 2],
      timeout: PACKAGE_LIMIT_MS,
      env: environment,
    }).status === 0
  const install = ['install', '-y', '-qq', '--no-install-recommends', debianPackage]
  if (!packages(install)) {
    packages(['update', '-qq'])
    packages(install)
  }
  const path = inPath(programs, folders)
  return path === undefined
    ? { reason: `${missing}, and apt-get could not install ${debianPackage}` }
    : { path }
}

/** The first of these programs that stands in a folder of PATH, or in `bin` of a version in `versions`. */
function inPath(programs, versions) {
  const ofVersions = versions !== undefined && existsSync(versions) ? readdirSync(versions) : []
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...ofVersions.map((version) => join(versions, version, 'bin')),
  ]
  return programs.flatMap((program) => folders.map((folder) => join(folder, program))).find(isProgram)
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function succeeds(command, words) {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 2], timeout: INSTALL_LIMIT_MS })
    child.once('error', () => resolve(false))
    child.once('close', (status) => resolve(status === 0))
  })
}
