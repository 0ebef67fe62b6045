#!/usr/bin/env node
// Adds to package-lock.json the optional platform packages (`@duckdb/node-bindings-darwin-arm64`) that npm
// leaves out when it cannot see them from the machine that writes the lock file. Without them `npm ci`
// refuses the lock file everywhere. Run it after `npm install <package>`; a test says when it is needed. With
// --check it only lists what is missing.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8'))

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

const missing = Object.entries(lock.packages).flatMap(([path, owner]) =>
  Object.entries(owner.optionalDependencies ?? {})
    .filter(
      ([name]) =>
        !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    )
    .map(([name, version]) => [`node_modules/${name}`, entryOf(name, version, owner.dev === true)]),
)

for (const [path] of missing) console.log(path)
if (process.argv.includes('--check')) {
  process.exit(missing.length === 0 ? 0 : 1)
}
const packages = Object.entries(lock.packages)
  .concat(missing)
  .sort(([a], [b]) => (a < b ? -1 : 1))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`)

/** The platform stands in the package's name; npm skips the package where it does not fit. */
function entryOf(name, version, isDevelopment) {
  const words = name.split('/').at(-1).split('-')
  const system = SYSTEMS.find((candidate) => words.includes(candidate))
  const processor = PROCESSORS.find((candidate) => words.includes(candidate))
  return {
    version: version.replace(/^[\^~]/, ''),
    ...(processor && { cpu: [processor] }),
    ...(isDevelopment && { dev: true }),
    ...(system === 'linux' && { libc: [words.includes('musl') ? 'musl' : 'glibc'] }),
    optional: true,
    ...(system && { os: [system] }),
  }
}
