import { access, constants, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { withDatabase } from '../disk/database.ts'

/** What one check found. `nextStep` is present unless all is well. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly found: string
  readonly nextStep?: string
}

const OLDEST_NODE = [20, 19] as const

/** Node must be at least the version of `engines` in package.json. */
export const checkNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  return isNew
    ? { check: 'Node.js', status: 'ok', found: version }
    : {
        check: 'Node.js',
        status: 'fail',
        found: version,
        nextStep: `Install Node.js ${OLDEST_NODE.join('.')} or newer.`,
      }
}

/** DuckDB must load on this platform and answer a query. */
export const checkDuckDb = async (tempDirectory: string): Promise<Finding> => {
  try {
    const version = await withDatabase(
      { threads: 1, memoryLimit: '64MB', tempDirectory },
      async (connection) => {
        const reader = await connection.runAndReadAll('SELECT version()')
        return String(reader.getRows()[0]?.[0])
      },
    )
    return { check: 'DuckDB', status: 'ok', found: version }
  } catch (error) {
    return {
      check: 'DuckDB',
      status: 'fail',
      found: `does not load: ${messageOf(error)}`,
      nextStep:
        'Run `npm ci` again without --omit=optional: the platform binary is an optional dependency of @duckdb/node-api.',
    }
  }
}

/** A worker thread must see what this thread writes to shared memory, and the reverse. */
export const checkWorkers = async (): Promise<Finding> => {
  const shared = new Int32Array(new SharedArrayBuffer(4))
  const source = "require('node:worker_threads').workerData[0] = 7"
  try {
    await new Promise<void>((resolve, reject) => {
      const worker = new Worker(source, { eval: true, workerData: shared })
      worker.once('error', reject)
      worker.once('exit', () => resolve())
    })
    if (shared[0] === 7) return { check: 'Worker threads', status: 'ok', found: 'start and share memory' }
    throw new Error('shared memory is not shared')
  } catch (error) {
    return {
      check: 'Worker threads',
      status: 'fail',
      found: messageOf(error),
      nextStep: 'Run outside of a sandbox that forbids threads.',
    }
  }
}

const LOW_DISK_BYTES = 2 * 1024 ** 3

/** The run folder must be writable; less than 2 GiB free is worth a warning. */
export const checkDisk = async (directory: string): Promise<Finding> => {
  const check = 'Disk of the run folder'
  try {
    const parent = await nearestFolder(directory)
    await access(parent, constants.W_OK)
    const { bavail, bsize } = await statfs(parent)
    const free = bavail * bsize
    const found = `${gibibytes(free)} GiB free at ${parent}`
    return free < LOW_DISK_BYTES
      ? { check, status: 'warn', found, nextStep: 'Free some space, or set runs.directory to a larger disk.' }
      : { check, status: 'ok', found }
  } catch (error) {
    return {
      check,
      status: 'fail',
      found: messageOf(error),
      nextStep: `Make ${directory} writable, or set runs.directory elsewhere.`,
    }
  }
}

/** The folder itself or the nearest one above it that exists. */
const nearestFolder = async (directory: string): Promise<string> => {
  try {
    await access(directory)
    return directory
  } catch (error) {
    const parent = dirname(directory)
    if (parent === directory) throw error
    return nearestFolder(parent)
  }
}

const LOW_MEMORY_BYTES = 1024 ** 3

/** Less than 1 GiB of memory is worth a warning. */
export const checkMemory = (): Finding => {
  const found = `${gibibytes(totalmem())} GiB, ${gibibytes(freemem())} GiB free`
  return totalmem() < LOW_MEMORY_BYTES
    ? {
        check: 'Memory',
        status: 'warn',
        found,
        nextStep: 'Lower resources.memory_limit, for instance to 256MB.',
      }
    : { check: 'Memory', status: 'ok', found }
}

/**
 * Whether Python's MLflow can be used beside the folder that runs are recorded in: from 3.17 on it takes a
 * folder `mlruns` for its own and refuses it, whatever was to be done.
 *
 * @param folder where runs are recorded; undefined: at a server, or nowhere
 */
export const checkMlflowFolder = async (
  folder: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finding> => {
  const check = "MLflow's own client"
  const isThere = folder !== undefined && (await access(folder).then(always, never))
  if (!isThere) return { check, status: 'ok', found: 'no folder of runs for it to refuse' }
  const allowed = environment['MLFLOW_ALLOW_FILE_STORE'] ?? ''
  if (['true', '1'].includes(allowed.toLowerCase()))
    return { check, status: 'ok', found: `reads ${folder} (MLFLOW_ALLOW_FILE_STORE=${allowed})` }
  return {
    check,
    status: 'warn',
    found: `from MLflow 3.17 on, Python beside ${folder} raises "The filesystem tracking backend (e.g., './mlruns') is in maintenance mode"`,
    nextStep: `Move the runs to a database (mlflow migrate-filestore --source ${folder} --target sqlite:///mlflow.db), or let MLflow read them as they are: MLFLOW_ALLOW_FILE_STORE=true. Vigía itself needs neither.`,
  }
}

const always = (): boolean => true
const never = (): boolean => false

/** How many threads `resources.threads: 0` means here. */
export const checkCores = (): Finding => ({
  check: 'Cores',
  status: 'ok',
  found: String(availableParallelism()),
})

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
