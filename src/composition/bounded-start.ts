/*
 * What bounds the memory of a server and cannot be set within a process: V8 fixes the most that its young
 * generation may be when it starts, and the C library reads its environment then. docs/serving.md has the
 * figures.
 */

/** 24 MiB at most. Node.js 24 lets it grow to 96, nearly all of it garbage. */
const YOUNG_GENERATION = '--max-semi-space-size=8'

/** Of glibc: one pool for all threads instead of one each, and what is free at its end is given back. */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

/** What is read of a process, in a form that tests can make. */
export type StartedProcess = Pick<
  NodeJS.Process,
  'argv' | 'argv0' | 'env' | 'execArgv' | 'execPath' | 'platform' | 'versions'
> &
  // Absent in Node.js before 22.15, without the permission model, and without a parent that talks to it.
  Partial<Pick<NodeJS.Process, 'permission' | 'send'>> & {
    readonly execve?: (file: string, words: readonly string[], environment: NodeJS.ProcessEnv) => never
  }

/** How a process starts again. */
export interface Start {
  readonly file: string
  /** Its own name first. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

/**
 * How a server is to start again so that its memory is bounded; undefined where it cannot or need not. What a
 * user has set stays.
 */
export const boundedStart = (process: StartedProcess): Start | undefined => {
  const { execve, send, permission, platform, versions, env, execArgv, execPath, argv, argv0 } = process
  // Options of Node.js are none of theirs.
  if (['bun', 'deno', 'electron'].some((other) => versions[other] !== undefined)) return undefined
  // The channel to a parent would be lost.
  if (execve === undefined || platform === 'win32' || send !== undefined) return undefined
  if (permission !== undefined && !permission.has('child')) return undefined
  // Words of the variable may stand in quotes.
  const options = [...execArgv, ...(env['NODE_OPTIONS'] ?? '').replaceAll('"', '').split(' ')]
  const isYoungBounded = options.some((option) => /^--max[-_]semi[-_]space[-_]size\b/.test(option))
  const allocator = platform === 'linux' ? ALLOCATOR : {}
  if (isYoungBounded && Object.keys(allocator).every((name) => env[name] !== undefined)) return undefined
  return {
    file: execPath,
    words: [argv0, ...execArgv, ...(isYoungBounded ? [] : [YOUNG_GENERATION]), ...argv.slice(1)],
    environment: { ...allocator, ...env },
  }
}

/** Starts a server again so, in its place and with its number; returns where that is not to be. */
export const startBounded = (process: StartedProcess): void => {
  const start = boundedStart(process)
  if (start !== undefined) process.execve?.(start.file, start.words, start.environment)
}
