import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../errors.ts'
import type {
  DatasetInput,
  Experiment,
  ExperimentTracker,
  Metric,
  RunStatus,
  TrackedRun,
} from '../ports/experiment-tracker.ts'
import type { ModelRegistry, ModelVersion } from '../ports/model-registry.ts'
import { checkExperimentName, checkTrackingKey, checkTrackingValue } from '../ports/tracking-limits.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'

/** What a call that changes something meets: it may fail before, half way or after, or never come back. */
export type Trouble = 'none' | 'before' | 'half' | 'after' | 'killed-before' | 'killed-after'

/** A tracking store in memory that keeps the laws of the ports, and fails when it is told to. */
export interface MemoryTrackingStore extends TrackingStore {
  /** All that it holds, without ids and in an order of its own: equal for equal content. */
  content(): Promise<unknown>
  /** Names of the calls that were made, in order. */
  readonly calls: string[]
}

interface RunRecord {
  run: TrackedRun
  parent: string | undefined
  readonly metrics: Map<string, Metric>
  readonly inputs: Map<string, DatasetInput>
  readonly artifacts: Map<string, string>
}

/**
 * @param troubleOf asked before each call, by its name and number from 0 on
 */
export const createMemoryTrackingStore = (
  troubleOf: (call: string, number: number) => Trouble = () => 'none',
  location = 'memory',
): MemoryTrackingStore => {
  const experiments = new Map<string, Experiment>()
  const runs = new Map<string, RunRecord>()
  const models = new Map<string, { description: string; versions: ModelVersion[] }>()
  const calls: string[] = []
  let lastId = 0
  const newId = (): string => String(++lastId).padStart(32, '0')

  /** The steps of a call, one effect each. */
  const call = async <T>(name: string, effects: readonly (() => T)[]): Promise<T> => {
    const trouble = troubleOf(name, calls.length)
    calls.push(name)
    if (trouble === 'before') throw unreachable(location)
    if (trouble === 'killed-before') return never()
    const reach = trouble === 'half' ? Math.floor(effects.length / 2) : effects.length
    const results = effects.slice(0, reach).map((effect) => effect())
    if (trouble === 'killed-after') return never()
    if (trouble === 'half' || trouble === 'after') throw unreachable(location)
    return results.at(-1) as T
  }
  const recordOf = (id: string): RunRecord => {
    const found = runs.get(id)
    if (found === undefined) throw new VigiaError('TRACKING_NOT_FOUND', { location, what: `run ${id}` })
    return found
  }

  const tracker: ExperimentTracker = {
    location,
    createExperiment: async (name, tags = {}) => {
      checkExperimentName('Experiment', name)
      return call('createExperiment', [
        () => {
          if (experiments.has(name))
            throw new VigiaError('TRACKING_EXPERIMENT_EXISTS', { location, name, detail: '' })
          const experiment = { id: newId(), name, tags }
          experiments.set(name, experiment)
          return experiment
        },
      ])
    },
    renameExperiment: async () => {
      throw new Error('not needed here')
    },
    findExperiment: (name) => call('findExperiment', [() => experiments.get(name)]),
    createRun: async ({ experimentId, name, startTimeMs, parentRunId, tags = {} }) => {
      for (const [key, value] of Object.entries(tags)) {
        checkTrackingKey('Tag', key)
        checkTrackingValue('tag', key, value)
      }
      return call('createRun', [
        () => {
          const run: TrackedRun = {
            id: newId(),
            experimentId,
            name,
            startTimeMs,
            status: 'RUNNING',
            artifactUri: '',
            params: {},
            tags,
            metrics: {},
          }
          const record = {
            run,
            parent: parentRunId,
            metrics: new Map(),
            inputs: new Map(),
            artifacts: new Map(),
          }
          runs.set(run.id, record)
          return run
        },
      ])
    },
    getRun: (id) => call('getRun', [() => recordOf(id).run]),
    searchRuns: ({ experimentIds, tags = {} }) =>
      call('searchRuns', [
        () => ({
          items: [...runs.values()]
            .map(({ run }) => run)
            .filter(({ experimentId }) => experimentIds.includes(experimentId))
            .filter((run) => Object.entries(tags).every(([key, value]) => run.tags[key] === value)),
        }),
      ]),
    logEntries: async (id, { params = {}, tags = {}, metrics = [] }) => {
      for (const key of [
        ...Object.keys(params),
        ...Object.keys(tags),
        ...metrics.map((metric) => metric.key),
      ])
        checkTrackingKey('Key', key)
      for (const [key, value] of Object.entries(params)) checkTrackingValue('param', key, value)
      for (const [key, value] of Object.entries(tags)) checkTrackingValue('tag', key, value)
      const { run } = recordOf(id)
      for (const [key, value] of Object.entries(params)) {
        const present = run.params[key]
        if (present !== undefined && present !== value)
          throw new VigiaError('TRACKING_PARAM_CONFLICT', { key, run: id, present, got: value })
      }
      const effects = [
        ...Object.entries(params).map(
          ([key, value]) =>
            () =>
              change(id, 'params', key, value),
        ),
        ...Object.entries(tags).map(
          ([key, value]) =>
            () =>
              change(id, 'tags', key, value),
        ),
        ...metrics.map((metric) => () => {
          recordOf(id).metrics.set(
            [metric.key, metric.value, metric.timestampMs, metric.step].join(' '),
            metric,
          )
        }),
      ]
      return call('logEntries', effects)
    },
    logInputs: (id, inputs) =>
      call(
        'logInputs',
        inputs.map((input) => () => {
          recordOf(id).inputs.set(`${input.name} ${input.digest} ${input.context}`, input)
        }),
      ),
    listInputs: (id) => call('listInputs', [() => [...recordOf(id).inputs.values()]]),
    metricHistory: (id, key) =>
      call('metricHistory', [
        () =>
          [...recordOf(id).metrics.values()]
            .filter((metric) => metric.key === key)
            .sort((a, b) => a.step - b.step || a.timestampMs - b.timestampMs),
      ]),
    setRunStatus: (id, status: RunStatus, endTimeMs) =>
      call('setRunStatus', [
        () => {
          const record = recordOf(id)
          const { endTimeMs: _, ...run } = record.run
          record.run = { ...run, status, ...(endTimeMs !== undefined && { endTimeMs }) }
        },
      ]),
    logArtifact: async (id, localPath, artifactPath) => {
      const files = await filesOf(localPath, artifactPath)
      return call(
        'logArtifact',
        files.map(([path, content]) => () => {
          recordOf(id).artifacts.set(path, content)
        }),
      )
    },
    listArtifacts: async () => [],
    downloadArtifact: async () => undefined,
    close: async () => undefined,
  }
  const change = (id: string, kind: 'params' | 'tags', key: string, value: string): void => {
    const record = recordOf(id)
    record.run = { ...record.run, [kind]: { ...record.run[kind], [key]: value } }
  }

  const registry: ModelRegistry = {
    location,
    ensureModel: (name, description) =>
      call('ensureModel', [
        () => {
          if (!models.has(name)) models.set(name, { description, versions: [] })
          return { name, description: models.get(name)!.description, tags: {}, aliases: {} }
        },
      ]),
    findModel: async () => undefined,
    listModels: async () => ({ items: [] }),
    createVersion: ({ name, runId, artifactPath, tags = {} }) =>
      call('createVersion', [
        () => {
          const { versions } = models.get(name)!
          const version = {
            name,
            version: versions.length + 1,
            source: `${recordOf(runId).run.name}/${artifactPath}`,
            runId,
            createdTimeMs: 0,
            description: '',
            tags,
            aliases: [],
          }
          versions.unshift(version)
          return version
        },
      ]),
    findVersion: async () => undefined,
    listVersions: (name, page = '0') =>
      call('listVersions', [
        () => {
          // One a page, so that whoever looks for something turns pages.
          const { versions } = models.get(name)!
          const at = Number(page)
          return {
            items: versions.slice(at, at + 1),
            ...(at + 1 < versions.length && { nextPage: String(at + 1) }),
          }
        },
      ]),
    tagVersion: async () => undefined,
    setAlias: async () => undefined,
    deleteAlias: async () => undefined,
    downloadVersion: async () => undefined,
  }

  const content = async (): Promise<unknown> => ({
    experiments: [...experiments.keys()].sort(),
    runs: [...runs.values()]
      .map(({ run: { id: _id, experimentId: _experiment, ...run }, parent, metrics, inputs, artifacts }) => ({
        ...run,
        parent: parent === undefined ? null : (runs.get(parent)?.run.tags['vigia.run_key'] ?? 'lost'),
        metrics: [...metrics.keys()].sort(),
        inputs: [...inputs.keys()].sort(),
        artifacts: Object.fromEntries([...artifacts].sort()),
      }))
      .sort((a, b) => ((a.tags['vigia.run_key'] ?? '') < (b.tags['vigia.run_key'] ?? '') ? -1 : 1)),
    models: [...models].map(([name, { description, versions }]) => ({
      name,
      description,
      versions: versions.map(({ version, source, tags }) => ({ version, source, tags })),
    })),
  })
  return { tracker, registry, content, calls }
}

const unreachable = (location: string): VigiaError =>
  new VigiaError('TRACKING_UNREACHABLE', { location, reason: 'told to fail' })

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

const filesOf = async (localPath: string, artifactPath: string): Promise<[string, string][]> => {
  if (!(await stat(localPath)).isDirectory()) return [[artifactPath, await readFile(localPath, 'utf8')]]
  const files: [string, string][] = []
  for (const name of (await readdir(localPath)).sort())
    files.push(...(await filesOf(join(localPath, name), `${artifactPath}/${name}`)))
  return files
}
