/** What looking for the library may use of the world. */
export interface LibrarySearch {
  /** `models.xgboost.library`: an absolute path; empty when the library is to be looked for. */
  readonly setting: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Absolute; its `.venv` is looked into. */
  readonly projectDirectory: string
  /** Absolute paths of what lies in a folder; empty when there is no such folder. */
  list(folder: string): Promise<readonly string[]>
  /**
   * Standard output of a program, or undefined when it is missing or fails. Should give up after some
   * seconds.
   */
  run(program: string, values: readonly string[]): Promise<string | undefined>
  /** Version of the library at this path, such as `3.2.0`; throws when it cannot be opened. */
  open(path: string): string
}

export type FoundLibrary =
  | { readonly path: string; readonly version: string }
  | {
      /** Places looked at, each with what was wrong where something was there. */
      readonly missing: readonly string[]
      /** For people: what to do next. */
      readonly advice: string
    }

/** Names that the library has on each system; Debian's package has no name without a number. */
const FILE_NAMES: Partial<Record<NodeJS.Platform, RegExp>> = {
  win32: /[\\/]xgboost\.dll$/i,
  darwin: /\/libxgboost\.dylib$/,
}
const LINUX_FILE_NAME = /\/libxgboost\.so(\.\d+)*$/

// Without the folder it runs in on its path: a file xgboost.py there must not be run.
const ASK_PYTHON =
  'import sys; sys.path[:] = [p for p in sys.path if p]; import xgboost.libpath; print(xgboost.libpath.find_lib_path()[0])'

/**
 * Looks for XGBoost's shared library, in this order:
 *
 * 1. `models.xgboost.library`, then the variable VIGIA_XGBOOST_LIBRARY. Either is meant: where it does not
 *    open, nothing else is tried.
 * 2. Python environments: VIRTUAL_ENV, CONDA_PREFIX, `.venv` in the project.
 * 3. The system's library folders: LD_LIBRARY_PATH (DYLD_LIBRARY_PATH, PATH), /usr/lib and so on, Homebrew.
 * 4. What `python3` says of its own package.
 *
 * A file that does not open (another architecture, a missing runtime) is passed over, and named in `missing`
 * with the reason.
 */
export const findXgboostLibrary = async (search: LibrarySearch): Promise<FoundLibrary> => {
  const missing: string[] = []
  const tryOpen = (path: string): FoundLibrary | undefined => {
    try {
      return { path, version: search.open(path) }
    } catch (error) {
      missing.push(`${path}: ${(error as Error).message}`)
      return undefined
    }
  }
  for (const [source, path] of [
    ['models.xgboost.library', search.setting],
    ['VIGIA_XGBOOST_LIBRARY', search.environment['VIGIA_XGBOOST_LIBRARY'] ?? ''],
  ] as const) {
    if (path === '') continue
    if (!isAbsolute(path)) missing.push(`${path}: is no absolute path`)
    const advice = `Correct ${source}, or remove it: the library is then looked for.`
    return (isAbsolute(path) ? tryOpen(path) : undefined) ?? { missing, advice }
  }
  const isLibrary = FILE_NAMES[search.platform] ?? LINUX_FILE_NAME
  for (const folder of [...(await pythonFolders(search)), ...systemFolders(search)]) {
    const files = (await search.list(folder)).filter((file) => isLibrary.test(file)).sort()
    if (files.length === 0) missing.push(folder)
    for (const file of files) {
      const found = tryOpen(file)
      if (found !== undefined) return found
    }
  }
  for (const program of search.platform === 'win32' ? ['python', 'py'] : ['python3']) {
    const path = (await search.run(program, ['-c', ASK_PYTHON]))?.trim() ?? ''
    const found = isAbsolute(path) ? tryOpen(path) : undefined
    if (found !== undefined) return found
    if (!isAbsolute(path)) missing.push(`${program}: has no xgboost package`)
  }
  return { missing, advice: adviceFor(search.platform) }
}

/** `lib` of the xgboost package in each Python environment. */
const pythonFolders = async ({ environment, projectDirectory, platform, list }: LibrarySearch) => {
  const folders: string[] = []
  const roots = [environment['VIRTUAL_ENV'], environment['CONDA_PREFIX'], `${projectDirectory}/.venv`]
  for (const root of new Set(roots)) {
    if (root === undefined || !isAbsolute(root)) continue
    if (platform === 'win32') folders.push(`${root}/Lib/site-packages/xgboost/lib`, `${root}/Library/bin`)
    else {
      const versions = (await list(`${root}/lib`)).filter((path) => /\/python3(\.\d+)?$/.test(path))
      folders.push(...versions.map((path) => `${path}/site-packages/xgboost/lib`))
      // Conda keeps the library itself beside those of the system's kind.
      folders.push(`${root}/lib`)
    }
  }
  return folders
}

const systemFolders = ({ environment, platform }: LibrarySearch): readonly string[] => {
  const variable = { win32: 'PATH', darwin: 'DYLD_LIBRARY_PATH' }[platform as string] ?? 'LD_LIBRARY_PATH'
  const named = (environment[variable] ?? '').split(platform === 'win32' ? ';' : ':').filter(isAbsolute)
  const usual: Partial<Record<NodeJS.Platform, readonly string[]>> = {
    win32: [],
    darwin: ['/opt/homebrew/lib', '/usr/local/lib'],
  }
  const linux = [
    '/usr/local/lib',
    '/usr/lib',
    '/usr/lib64',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/home/linuxbrew/.linuxbrew/lib',
  ]
  return [...new Set([...named, ...(usual[platform] ?? linux)])]
}

/** Of any system: the function does not ask which one it runs on. A relative path could be anybody's. */
const isAbsolute = (path: string): boolean => /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(path)

const adviceFor = (platform: NodeJS.Platform): string =>
  platform === 'darwin'
    ? 'Install it (`brew install xgboost` or `pip install xgboost`), or name it (models.xgboost.library, VIGIA_XGBOOST_LIBRARY).'
    : 'Install it (`pip install xgboost`), or name it (models.xgboost.library, VIGIA_XGBOOST_LIBRARY).'
