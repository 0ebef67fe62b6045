import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createFileStore } from '../../src/adapters/files/file-store.ts'
import { createMlflowStore } from '../../src/adapters/mlflow/mlflow-store.ts'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'
import { unwatched, unwatchedWork } from '../../src/disk/work.ts'
import { runTrainingPipeline } from '../../src/pipelines/training-pipeline.ts'
import type { TrackedRun } from '../../src/ports/experiment-tracker.ts'
import type { TrackingStore } from '../../src/ports/tracking-store.ts'
import { pushJournals } from '../../src/tracking/push.ts'
import { createResourceSampler } from '../../src/tracking/track-this-process.ts'
import type { TrackedTraining } from '../../src/tracking/tracking-options.ts'
import { SMALL_BANK } from '../end-to-end/vigia-in-process.ts'
import { MLFLOW_PYTHON, type MlflowServer, startMlflowServer } from './mlflow-server.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-outage-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe.skipIf(MLFLOW_PYTHON === undefined)('a server that is killed in the middle of a training', () => {
  const servers: MlflowServer[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
  })

  it('loses nothing: what it missed is sent when it is there again, once', async () => {
    const folder = mkdtempSync(join(work, 'server-'))
    const first = await startMlflowServer({ folder })
    servers.push(first)
    const port = Number(new URL(first.uri).port)
    const open = () => createMlflowStore({ uri: first.uri, environment: {}, timeoutMs: 60_000, retries: 0 })
    let stopped: Promise<void> | undefined
    const tracked = await train('interrupted', open(), (step) => {
      if (step === 'select') stopped = first.stop()
    })
    await stopped
    expect(tracked).toMatchObject({ status: 'FINISHED', stoppedBy: { code: 'TRACKING_UNREACHABLE' } })
    expect(tracked?.waiting).toBeGreaterThan(10)

    servers.push(await startMlflowServer({ folder, port }))
    const pushed = await push('interrupted', open())
    expect(pushed).toMatchObject([{ waiting: 0, refused: [], version: { version: 1 } }])
    expect(await push('interrupted', open())).toMatchObject([{ waiting: 0, refused: [] }])

    // Beside a run that nothing disturbed, on the same server.
    const undisturbed = await train('undisturbed', open(), () => undefined, 'undisturbed')
    expect(undisturbed).toMatchObject({ waiting: 0, refused: [], version: { version: 2 } })
    const store = open()
    expect(await contentOf(store, 'outage')).toEqual(await contentOf(store, 'undisturbed'))
    expect((await store.registry.listVersions('fraud-detector')).items).toHaveLength(2)
  })
})

describe('a process that is killed in the middle of a training', () => {
  const started: ChildProcess[] = []
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL')
  })

  it('leaves a readable store, and the same command completes the same run', async () => {
    for (const step of ['select', 'train', 'package']) await killAfter(step)
    const before = await runsIn('killed')
    const [parent] = before.filter(isParent)
    expect(before.filter(isParent)).toHaveLength(1)
    expect(parent?.status).toBe('RUNNING')
    expect(parent?.params['split.method']).toBe('"temporal"')

    expect(await vigia('killed')).toBe(0)
    const after = await runsIn('killed')
    expect(after.map(({ status }) => status)).toEqual(after.map(() => 'FINISHED'))
    expect(after.find(isParent)?.id).toBe(parent?.id)
    expect(await vigia('whole')).toBe(0)
    expect(await contentOf(fileStore('killed'), 'vigia')).toEqual(
      await contentOf(fileStore('whole'), 'vigia'),
    )
    expect((await fileStore('killed').registry.listVersions('fraud-detector')).items).toHaveLength(1)
  })

  const killAfter = async (step: string): Promise<void> => {
    const child = start('killed')
    let text = ''
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk)
      if (new RegExp(`ran +${step} `).test(text)) child.kill('SIGKILL')
    }
    expect(text).toMatch(new RegExp(`ran +${step} `))
  }

  const vigia = async (name: string): Promise<number | null> => {
    const child = start(name)
    child.stdout?.resume()
    const [code] = await once(child, 'exit')
    return code as number | null
  }

  const start = (name: string): ChildProcess => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'src/main.ts', 'run', '--out', join(work, name), ...SMALL_BANK, ...ONE_MODEL],
      {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: process.env['HOME'] ?? '',
          VIGIA_TRACKING__DIRECTORY: join(work, name, 'mlruns'),
        },
      },
    )
    started.push(child)
    return child
  }
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ONE_MODEL = ['--set', 'models.random_forest.enabled=false']
const OWNER = { processId: process.pid, host: 'here', isAlive: () => false }

const fileStore = (name: string): TrackingStore =>
  createFileStore({ folder: join(work, name, 'mlruns'), now: Date.now, owner: OWNER })

const runsIn = (name: string): Promise<readonly TrackedRun[]> => runsOf(fileStore(name), 'vigia')

const runsOf = async ({ tracker }: TrackingStore, experiment: string): Promise<readonly TrackedRun[]> => {
  const found = await tracker.findExperiment(experiment)
  if (found === undefined) return []
  return (await tracker.searchRuns({ experimentIds: [found.id], pageSize: 1000 })).items
}

const isParent = ({ tags }: TrackedRun): boolean => tags['vigia.kind'] === 'training'

/** All that a run leaves, but for keys, times and what depends on the machine's speed. */
const contentOf = async (store: TrackingStore, experiment: string) => {
  const contents = []
  for (const run of await runsOf(store, experiment)) {
    const histories: Record<string, readonly (readonly [number, number])[]> = {}
    for (const key of Object.keys(run.metrics).sort())
      if (!/^(?:system|duration)/.test(key))
        histories[key] = (await store.tracker.metricHistory(run.id, key)).map(
          ({ step, value }) => [step, value] as const,
        )
    contents.push({
      name: isParent(run) ? 'parent' : run.name,
      status: run.status,
      params: Object.fromEntries(
        Object.entries(run.params)
          .filter(([key]) => !/^(?:tracking|runs)\./.test(key))
          .sort(),
      ),
      histories,
      artifacts: await filesOf(store, run.id),
      inputs: (await store.tracker.listInputs(run.id)).map(({ name, digest }) => `${name} ${digest}`).sort(),
    })
  }
  return contents.sort((a, b) => (a.name < b.name ? -1 : 1))
}

const filesOf = async ({ tracker }: TrackingStore, runId: string, folder?: string): Promise<string[]> => {
  const files: string[] = []
  for (const { path, isFolder } of await tracker.listArtifacts(runId, folder))
    files.push(...(isFolder ? await filesOf({ tracker } as TrackingStore, runId, path) : [path]))
  return files.sort()
}

const train = async (
  name: string,
  store: TrackingStore,
  onOutcome: (step: string) => void,
  experiment = 'outage',
): Promise<TrackedTraining | undefined> => {
  const config = loadTrainingConfig({
    environment: {},
    assignments: [
      ...[...SMALL_BANK, ...ONE_MODEL].filter((word) => word !== '--set'),
      `tracking.experiment=${experiment}`,
    ],
    workingDirectory: work,
  })
  const { tracked } = await runTrainingPipeline(
    {
      config,
      workingDirectory: work,
      folder: join(work, 'runs', name),
      environment: {},
      workers: 1,
      readLog: openLogReader,
    },
    {
      world: { now: Date.now },
      work: unwatchedWork({ threads: 1, memoryLimit: '1GB', tempDirectory: '' }),
      owner: OWNER,
      runtime: 'test',
      renderers: { validation: () => '<html></html>', evaluation: () => '<html></html>' },
      onOutcome: ({ step }) => onOutcome(step),
      tracking: {
        store,
        tags: {},
        environment: {},
        newRunKey: () => crypto.randomUUID(),
        sampleResources: createResourceSampler(),
      },
    },
  )
  return tracked
}

const push = (name: string, store: TrackingStore) =>
  pushJournals([join(work, 'runs', name)], store, {
    world: { now: Date.now },
    owner: OWNER,
    work: unwatched(),
  })
