import { VigiaError } from '../../errors.ts'
import type { DatasetInput, Experiment, Metric, TrackedRun } from '../../ports/experiment-tracker.ts'
import type { ModelVersion, RegisteredModel } from '../../ports/model-registry.ts'

/** A run with what belongs to it. */
export interface RunRecord {
  run: Omit<TrackedRun, 'metrics'>
  /** By key, value, time and step: the same value is kept once. */
  readonly metrics: Map<string, Metric>
  /** By name, digest and context. */
  readonly inputs: Map<string, DatasetInput>
  /** Content by path. */
  readonly artifacts: Map<string, Uint8Array>
}

/** A folder among the artifacts of a run that is a logged model. */
export interface LoggedModelRecord {
  readonly id: string
  readonly name: string
  readonly runId: string
  readonly artifactPath: string
}

export interface ModelRecord {
  model: Omit<RegisteredModel, 'aliases'>
  /** Version by alias. */
  readonly aliases: Map<string, number>
  /** From the first on. */
  readonly versions: Omit<ModelVersion, 'aliases'>[]
}

/** All that a tracking store in memory holds: its tracker and its registry share one of these. */
export class TrackedData {
  readonly location: string
  readonly experiments = new Map<string, Experiment>()
  readonly runs = new Map<string, RunRecord>()
  readonly models = new Map<string, ModelRecord>()
  readonly loggedModels: LoggedModelRecord[] = []
  private lastId = 0

  constructor(location: string) {
    this.location = location
  }

  /** 32 digits, in rising order. */
  newId(): string {
    this.lastId += 1
    return String(this.lastId).padStart(32, '0')
  }

  /** @throws TRACKING_NOT_FOUND */
  runOf(id: string): RunRecord {
    return this.runs.get(id) ?? this.notFound(`run ${id}`)
  }

  /** @throws TRACKING_NOT_FOUND */
  modelOf(name: string): ModelRecord {
    return this.models.get(name) ?? this.notFound(`model ${name}`)
  }

  /** @throws TRACKING_NOT_FOUND */
  notFound(what: string): never {
    throw new VigiaError('TRACKING_NOT_FOUND', { location: this.location, what })
  }

  /**
   * Plain data without ids, in an order of its own: equal for equal content. A parent is named by its tag
   * `vigia.run_key`, and artifacts are read as text.
   */
  content(): unknown {
    return {
      experiments: [...this.experiments.keys()].sort(),
      runs: [...this.runs.values()]
        .map((record) => this.contentOfRun(record))
        .sort((a, b) => (runKeyOf(a) < runKeyOf(b) ? -1 : 1)),
      models: [...this.models.values()].map(({ model: { name, description }, versions }) => ({
        name,
        description,
        versions: versions.toReversed().map(({ version, source, tags }) => ({ version, source, tags })),
      })),
    }
  }

  private contentOfRun({ run, metrics, inputs, artifacts }: RunRecord) {
    const { id: _id, experimentId: _experiment, artifactUri: _place, ...rest } = run
    const { 'mlflow.parentRunId': parent, ...tags } = run.tags
    return {
      ...rest,
      tags,
      parent: parent === undefined ? null : (this.runs.get(parent)?.run.tags['vigia.run_key'] ?? 'lost'),
      metrics: [...metrics.keys()].sort(),
      inputs: [...inputs.keys()].sort(),
      artifacts: Object.fromEntries(
        [...artifacts].map(([path, content]) => [path, new TextDecoder().decode(content)] as const).sort(),
      ),
    }
  }
}

const runKeyOf = ({ tags }: { readonly tags: TrackedRun['tags'] }): string => tags['vigia.run_key'] ?? ''
