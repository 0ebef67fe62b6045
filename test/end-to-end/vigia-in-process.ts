import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createFileStore } from '../../src/adapters/files/file-store.ts'
import { compactLmdbStates } from '../../src/adapters/lmdb/compact-lmdb-states.ts'
import { writeSegment } from '../../src/adapters/segments/write-segment.ts'
import { createCommands } from '../../src/cli/commands/index.ts'
import { runProgram } from '../../src/cli/program.ts'
import { alertsOpener } from '../../src/composition/open-alerts.ts'
import { backupSource, openBackupTarget } from '../../src/composition/open-backups.ts'
import { openDatabase } from '../../src/composition/open-database.ts'
import { retrainingOpener } from '../../src/composition/open-retraining.ts'
import { createServingStorage } from '../../src/composition/open-serving-storage.ts'
import { processMemory } from '../../src/composition/process-memory.ts'
import { servingModelLoader } from '../../src/composition/serving-model-loader.ts'
import { serverStarter } from '../../src/composition/start-server.ts'
import type { World } from '../../src/foundation/world.ts'
import type { OpenTrackingStore } from '../../src/ports/tracking-store.ts'

/** What one command left behind. */
export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Settings of a small invented bank, enough for every step to have frauds to work with. */
export const SMALL_BANK: readonly string[] = [
  'source.path=generated',
  'generate.rows=3000',
  'generate.users=60',
  'generate.merchants=30',
  'generate.days=60',
  'generate.fraud_rate=0.04',
  'resources.threads=1',
  'models.random_forest.trees=20',
  'models.gradient_boosting.trees=20',
  // Whether its library is installed differs between machines.
  'models.xgboost.enabled=false',
].flatMap((setting) => ['--set', setting])

/**
 * Runs one command line in this process, in `folder`. Nothing is tracked unless the line says `--set
 * tracking.enabled=true`: then in `mlruns` of the folder. `interruptAt` interrupts it (as Ctrl-C does) once
 * standard output holds that text.
 */
export const vigiaIn = (folder: string, args: readonly string[], interruptAt?: RegExp): Promise<Finished> =>
  runIn(folder, args, (stdout, interrupt) => {
    if (interruptAt?.test(stdout)) interrupt()
  })

/** The same with more variables in the environment. */
export const vigiaWith = (
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Finished> => runIn(folder, args, () => undefined, environment)

/**
 * Runs `vigia serve` in this process, in `folder`, on a free port, for as long as `use` takes. It then stops
 * as at Ctrl-C.
 *
 * @param use gets the address: `http://127.0.0.1:40123`
 */
export const servingIn = async (
  folder: string,
  args: readonly string[],
  use: (address: string) => Promise<void>,
): Promise<Finished> => {
  let used: Promise<void> | undefined
  const finished = await runIn(folder, ['serve', '--set', 'api.port=0', ...args], (stdout, interrupt) => {
    const [, address] = /^listening +(http:\S+)/m.exec(stdout) ?? []
    if (address === undefined || used !== undefined) return
    used = use(address).finally(interrupt)
    used.catch(() => undefined)
  })
  await used
  return finished
}

const runIn = async (
  folder: string,
  args: readonly string[],
  onOutput: (stdout: string, interrupt: () => void) => void,
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> => {
  let stdout = ''
  let stderr = ''
  const interruption = new AbortController()
  const world: World = {
    now: () => 1_600_000_000_000,
    monotonicMs: () => 0,
    newId: randomUUID,
  }
  const { now } = world
  const owner = { processId: process.pid, host: 'here', isAlive: () => false }
  const openTrackingStore: OpenTrackingStore = ({ directory }) =>
    createFileStore({ folder: directory, now, owner })
  const storage = createServingStorage(owner)
  const commands = createCommands({
    world,
    owner,
    openTrackingStore,
    storage,
    compactStates: (folder) => compactLmdbStates(folder, owner),
    version: '0.0.0',
    backupSource,
    openAlerts: alertsOpener({ world, owner }),
    openBackupTarget,
    openDatabase,
    openRetraining: retrainingOpener({ world, owner }),
    writeSegment,
    modelLoader: servingModelLoader({ openTrackingStore, world }),
    startServer: serverStarter({
      version: '0.0.0',
      storage,
      openTrackingStore,
      world,
    }),
    trackThisProcess: (store) => ({ store, newRunKey: randomUUID, tags: {}, environment: {} }),
    memory: () => ({ ...processMemory(), leftBytes: 2 ** 30 }),
    runtime: 'test',
    renderers: {
      validation: () => '<html></html>',
      evaluation: () => '<html></html>',
      monitoring: () => Promise.resolve('<html></html>'),
    },
  })
  const status = await runProgram([...args], commands, {
    version: '0.0.0',
    stdout: {
      isTerminal: false,
      columns: 80,
      write: (text: string): void => {
        stdout += text
        onOutput(stdout, () => interruption.abort())
      },
    },
    stderr: {
      isTerminal: false,
      columns: 80,
      write: (text: string): void => {
        stderr += text
      },
    },
    environment: { VIGIA_TRACKING__ENABLED: 'false', ...environment },
    workingDirectory: folder,
    signal: interruption.signal,
    world: { monotonicMs: () => 0 },
  })
  return { status, stdout, stderr }
}

/**
 * Bytes of every file of a run that later work reads, by path; without logs and manifests of steps, which
 * tell times.
 */
export const productsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:json|parquet|states|labels|jsonl)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), path] as const)
      .filter(([name]) => /\//.test(name) && !name.endsWith('step.json'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, path]) => [name, readFileSync(path).toString('base64')]),
  )

/** A new empty folder; `remove` deletes it with all it holds. */
export const temporaryFolder = (): { readonly path: string; readonly remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'vigia-end-to-end-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Arguments of a run that is recorded. */
export const TRACKED = ['--set', 'tracking.enabled=true']

/** Arguments of `vigia generate` for a bank of two months that is quickly trained on. */
export const GENERATED = [
  'generate.rows=2000',
  'generate.users=60',
  'generate.merchants=30',
  'generate.days=60',
  'generate.fraud_rate=0.04',
].flatMap((setting) => ['--set', setting])
