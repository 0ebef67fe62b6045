import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { statesIdentity } from '../../artifacts/states-manifest.ts'
import { loadVersionArtifact } from '../../artifacts/version-artifact.ts'
import type { PromotionSettings } from '../../config/sections/promotion.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import type { World } from '../../foundation/world.ts'
import type { Artifact } from '../../model/artifact.ts'
import { createScorer } from '../../model/scorer.ts'
import type { ModelRegistry, ModelVersion } from '../../ports/model-registry.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { ParityReport } from '../parity/parity-report.ts'
import { type ServedRun, serveRun } from '../parity/serve-run.ts'
import type { GateMeasurements, Measured } from './gates.ts'
import { openRunRows, type RunRows } from './run-folder.ts'
import { featureSettingsOf, type MeasuredFigures, recordedFigures, testFigures } from './test-figures.ts'

export interface MeasureOptions {
  readonly registry: ModelRegistry
  /** The version to be promoted, and the one that the alias names now. */
  readonly candidate: ModelVersion
  readonly present: ModelVersion | undefined
  /** Folder of the run whose rows they are compared on. */
  readonly runFolder: string
  /** The same for people. */
  readonly runName: string
  readonly settings: PromotionSettings
  /** Of live traffic; without it the last transactions of the run are served. */
  readonly parityReport?: ParityReport
  readonly createStateStore: () => StateStore
  readonly world: World
  readonly workers: number
  readonly work: Work
}

/** Measurements, and the verified artifact where there is one. */
export interface MeasuredGates extends GateMeasurements {
  readonly loaded: Artifact | undefined
}

/**
 * Measures all that the gates ask for. What cannot be measured says why instead; only interruptions and a
 * store that cannot be reached stop it.
 */
export const measureGates = async (options: MeasureOptions): Promise<MeasuredGates> => {
  const { registry, candidate, present, runFolder, work } = options
  const loaded = await attempt(() => loadVersionArtifact(registry, candidate))
  if ('notMeasured' in loaded) {
    const nothing = { notMeasured: 'the artifact is not usable' }
    return {
      loaded: undefined,
      artifact: loaded,
      figures: nothing,
      parity: nothing,
      latency: nothing,
      regression: present === undefined ? null : nothing,
    }
  }
  const { artifact, sha256 } = loaded
  const opened = await openRunRows(runFolder, artifact, work.database)
  const rows: Measured<RunRows> =
    'reason' in opened
      ? {
          notMeasured: `${options.runName} does not have the rows: ${opened.reason}. Name the run's folder (--run)`,
        }
      : opened
  const served =
    'notMeasured' in rows
      ? rows
      : await inWorkFolder(runFolder, (workFolder) => serve(rows, artifact, workFolder, options))
  return {
    loaded: artifact,
    artifact: { sha256 },
    figures: recordedFigures(artifact) ?? (await figuresOn(artifact, rows, options)),
    regression: present === undefined ? null : await compare(artifact, present, rows, options),
    parity: parityOf(served, artifact, options.parityReport),
    latency: 'notMeasured' in served ? served : served.latency,
  }
}

const serve = (
  rows: RunRows,
  artifact: Artifact,
  workFolder: string,
  options: MeasureOptions,
): Promise<Measured<ServedRun>> =>
  attempt(async () => {
    const store = options.createStateStore()
    try {
      return await serveRun({
        ...options,
        files: { prepared: rows.cleaned, features: rows.features },
        settings: featureSettingsOf(artifact),
        fitted: artifact.manifest.fitted.features as FittedFeatures,
        scorer: createScorer(artifact),
        rows: options.settings.parity_rows,
        source: `the last transactions of ${options.runName}, served in this process`,
        store,
        workFolder,
      })
    } finally {
      await store.close()
    }
  })

const parityOf = (
  served: Measured<ServedRun>,
  artifact: Artifact,
  report: ParityReport | undefined,
): Measured<ParityReport> => {
  if (report === undefined) return 'notMeasured' in served ? served : served.parity
  const identity = statesIdentity(
    featureSettingsOf(artifact),
    artifact.manifest.fitted.features as FittedFeatures,
  )
  if (canonicalJson(report.identity) === canonicalJson(identity)) return report
  return { notMeasured: `the report (${report.source}) is about other features than those of the version` }
}

const compare = async (
  artifact: Artifact,
  present: ModelVersion,
  rows: Measured<RunRows>,
  options: MeasureOptions,
): Promise<GateMeasurements['regression']> => {
  if ('notMeasured' in rows) return rows
  const theirs = await attempt(() => loadVersionArtifact(options.registry, present))
  if ('notMeasured' in theirs)
    return { notMeasured: `version ${present.version}, which is to be replaced: ${theirs.notMeasured}` }
  const mine = await figuresOn(artifact, rows, options)
  if ('notMeasured' in mine) return mine
  const figures = await figuresOn(theirs.artifact, rows, options)
  return 'notMeasured' in figures
    ? figures
    : { candidate: mine, present: { ...figures, version: present.version } }
}

const figuresOn = async (
  artifact: Artifact,
  rows: Measured<RunRows>,
  options: MeasureOptions,
): Promise<Measured<MeasuredFigures>> =>
  'notMeasured' in rows
    ? rows
    : attempt(() =>
        inWorkFolder(rows.folder, (workFolder) => testFigures(artifact, rows, { ...options, workFolder })),
      )

/** Errors that say that the attempt itself was broken off, not that there is nothing to measure. */
const FATAL = ['INTERRUPTED', 'TRACKING_UNREACHABLE', 'TRACKING_UNAUTHORIZED']

const attempt = async <T extends object>(work: () => Promise<T>): Promise<Measured<T>> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof VigiaError) || FATAL.includes(error.code)) throw error
    return { notMeasured: error.message }
  }
}

/** Beside the run: what is written may be as large as the run's own files. */
const inWorkFolder = async <T>(runFolder: string, work: (folder: string) => Promise<T>): Promise<T> => {
  const parent = dirname(runFolder)
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, '.promote-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
