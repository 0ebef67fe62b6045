import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sha256 } from '../foundation/hash.ts'

/**
 * The version of a step's code: a hash over its module and everything that module imports, directly or not,
 * and over the versions of the packages among them.
 *
 * It is computed, so no one can forget to raise it. The price: an edited comment, or a change that does not
 * alter the result, runs the step again; an edit to what the step does not import (a report, a command) does
 * not, and neither does one to the texts of errors.
 *
 * @param runtime name and version of what runs the code, for instance `v20.20.2`: what comes with it, such as
 * names of time zones, may differ between them
 */
export const codeVersionOf = async (moduleUrl: string, runtime: string): Promise<string> => {
  const sources = new Map<string, string>()
  const packages = new Set<string>()
  const pending = [fileURLToPath(moduleUrl)]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (sources.has(path) || isErrorTable(path)) continue
    const source = await readModule(path)
    sources.set(path, sha256(source))
    for (const name of importsOf(source)) {
      if (name.startsWith('.')) pending.push(fileURLToPath(new URL(name, pathToFileURL(path))))
      else if (!name.startsWith('node:')) packages.add(packageName(name))
    }
  }
  const versions = await packageVersions([...packages].sort(), moduleUrl)
  // Hashes without paths: where the project is installed does not matter.
  return sha256([runtime, ...versions, ...[...sources.values()].sort()].join('\n'))
}

/**
 * The texts of errors, in `src/` or built: every module imports them, and nothing that a step computes
 * depends on one. An output may tell a text as a reason; it then keeps the wording of its day. How errors
 * behave is in `errors.ts`, which counts.
 */
const isErrorTable = (path: string): boolean => /^error-table\.[jt]s$/.test(basename(path))

/** A worker may be named by its source, `.ts`, where only its build, `.js`, exists. */
const readModule = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch(() => readFile(path.replace(/\.ts$/, '.js'), 'utf8'))

/** Static and dynamic imports, and modules named by a URL relative to this one, as workers are. */
const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s(?:[\w\s{},*$]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+\.[cm]?[jt]s)['"]\s*,\s*import\.meta\.url\s*\)/g

const importsOf = (source: string): string[] =>
  [...source.matchAll(IMPORT)]
    // Types leave no code behind, and may name files that a build does not have.
    .filter(([statement]) => !/^\W*(?:import|export)\stype\s/.test(statement))
    .map(([, fixed, dynamic, worker]) => fixed ?? dynamic ?? worker ?? '')

const packageName = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

/** `name@version` of each package, as Vigía's own package.json pins it. */
const packageVersions = async (names: readonly string[], moduleUrl: string): Promise<string[]> => {
  const { dependencies = {} } = await ownPackage(moduleUrl)
  return names.map((name) => `${name}@${dependencies[name] ?? ''}`)
}

const ownPackage = async (url: string): Promise<{ dependencies?: Record<string, string> }> => {
  const parent = new URL('..', url)
  if (parent.href === url) return {}
  const found = await readFile(new URL('package.json', parent), 'utf8').catch(() => undefined)
  return found === undefined ? ownPackage(parent.href) : JSON.parse(found)
}
