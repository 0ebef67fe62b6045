import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** One change of a source file, which stands for a mistake. */
export interface Mutation {
  /** From the root of the project. */
  readonly file: string
  /** Stands there once. */
  readonly find: string
  readonly replace: string
}

/** What a built simulator offers. */
export type Simulator = typeof import('./simulator.ts')

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STAND_INS = fileURLToPath(new URL('./stand-ins/', import.meta.url))

/** Modules of Node, and of the project, that the simulation plays. */
const PLAYED: Readonly<Record<string, string>> = {
  'node:fs': 'node-fs.ts',
  'node:fs/promises': 'node-fs-promises.ts',
  'node:crypto': 'node-crypto.ts',
  'node:timers/promises': 'node-timers-promises.ts',
}
const PLAYED_FILES: Readonly<Record<string, string>> = {
  'src/decisions/log/archive-thread.ts': 'archive-thread.ts',
  'src/decisions/log/archive-lookup.ts': 'archive-lookup.ts',
  'src/decisions/log/state-snapshots.ts': 'state-snapshots.ts',
  'src/decisions/log/archive-catalog.ts': 'archive-catalog.ts',
  'src/decisions/warm-up.ts': 'warm-up.ts',
}
/** Whoever uses these modules of Node in a run; all others have the real ones, and do not. */
const USERS =
  /^src\/((adapters\/segments|branches|disk|pipelines\/service|testing\/memory|foundation)\/[^/]+|keeping\/shared-log-keeping|artifacts\/run-folder)\.ts$/
/** Real files: databases and whole data sets. */
const NOT_USERS = /^src\/disk\/(database|json-file|sha256-of-file|work|write-atomically)/

const pathFromRoot = (path: string): string => relative(ROOT, path).replaceAll('\\', '/')

const standIns: Plugin = {
  name: 'stand-ins',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:/ }, ({ path, importer }) => {
      const user = pathFromRoot(importer)
      const isPlayed = PLAYED[path] !== undefined && USERS.test(user) && !NOT_USERS.test(user)
      return isPlayed ? { path: join(STAND_INS, PLAYED[path]!) } : { path, external: true }
    })
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
      const played = PLAYED_FILES[pathFromRoot(join(resolveDir, path))]
      return played === undefined ? undefined : { path: join(STAND_INS, played) }
    })
    // Native, and used by nothing that runs.
    onResolve({ filter: /^@duckdb\/node-api$/ }, ({ path }) => ({ path, namespace: 'nothing' }))
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** Puts mistakes into sources. @throws when the place of one is not there, or not once */
const mutating = (mutations: readonly Mutation[]): Plugin => ({
  name: 'mutations',
  setup: ({ onLoad }) => {
    for (const file of new Set(mutations.map((mutation) => mutation.file)))
      onLoad({ filter: new RegExp(`${file.replaceAll(/[.]/g, '\\.')}$`) }, async ({ path }) => {
        let contents = await readFile(path, 'utf8')
        for (const { find, replace } of mutations.filter((mutation) => mutation.file === file)) {
          if (contents.split(find).length !== 2)
            throw new Error(`${file} does not have this once, so no mistake can be put there:\n${find}`)
          contents = contents.replace(find, () => replace)
        }
        return { contents, loader: 'ts' }
      })
  },
})

/** Writes the simulator, with these mistakes in what it simulates, to a file. @returns its path */
export const buildSimulator = async (
  folder: string,
  mutations: readonly Mutation[] = [],
): Promise<string> => {
  const outfile = join(folder, 'simulator.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./simulator.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    plugins: [mutating(mutations), standIns],
    inject: [join(STAND_INS, 'globals.ts')],
    define: {
      'Date.now': 'simulatedDateNow',
      'performance.now': 'simulatedPerformanceNow',
      'Math.random': 'simulatedMathRandom',
    },
    // Packages of the older module system are inside.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'\nconst require = createRequireOfBundle(import.meta.url)",
    },
    logLevel: 'warning',
  })
  return outfile
}

/** Does `work` with the file of a simulator that has these mistakes in what it simulates. */
export const withSimulatorFile = async <T>(
  mutations: readonly Mutation[],
  work: (path: string) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'vigia-simulator-'))
  try {
    return await work(await buildSimulator(folder, mutations))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The same with what it offers, in this thread. */
export const withSimulator = <T>(
  mutations: readonly Mutation[],
  work: (simulator: Simulator, path: string) => Promise<T>,
): Promise<T> =>
  withSimulatorFile(mutations, async (path) =>
    work((await import(pathToFileURL(path).href)) as Simulator, path),
  )
