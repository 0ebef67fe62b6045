import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { allVersions, findVersion } from '../artifacts/find-version.ts'
import { ARTIFACT_TAG, loadVersionArtifact } from '../artifacts/version-artifact.ts'
import type { ConfigManager } from '../config/config-manager.ts'
import type { TrainingSettings } from '../config/training-config.ts'
import type { SplitReport } from '../dataset/split/split-report.ts'
import type { LoadModel } from '../decisions/model-control.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { PairedRows } from '../evaluation/paired-comparison.ts'
import { DAY_MS } from '../foundation/days.ts'
import { parseDuration } from '../foundation/duration.ts'
import { sha256 } from '../foundation/hash.ts'
import { numbered } from '../foundation/numbered.ts'
import type { World } from '../foundation/world.ts'
import { SKIPPABLE_GATES } from '../pipelines/promotion/gates.ts'
import { type Promoted, type PromoteOptions, promote } from '../pipelines/promotion/promote.ts'
import type { PromotedAlias } from '../pipelines/promotion/promotion.ts'
import { rollBack } from '../pipelines/promotion/roll-back.ts'
import { openRunRows } from '../pipelines/promotion/run-folder.ts'
import { type ScoredTest, testScores } from '../pipelines/promotion/test-figures.ts'
import type { ServingStorage } from '../pipelines/service/serving-storage.ts'
import { runTrainingPipeline, type TrainingOptions } from '../pipelines/training-pipeline.ts'
import type { ModelVersion } from '../ports/model-registry.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { DerivedVersion } from '../retraining/episode.ts'
import type {
  AdjustedEpisode,
  GateAnswer,
  ProposedEpisode,
  RetrainingWorks,
  TrainedEpisode,
} from '../retraining/retraining-works.ts'
import { challengerAssignments } from './challenger-settings.ts'
import { type DecisionsOfLogOptions, decisionsOfLog } from './decisions-of-log.ts'
import { derivedVersion } from './derived-version.ts'
import { type EachOwnDecision, eachOwnDecision, latestRows } from './own-decisions.ts'
import { adjustedTraffic, decidedRowsOf, servedTraffic } from './served-figures.ts'
import { proposeThreshold } from './threshold-of-service.ts'

/** What retraining of a service works with. */
export interface ServiceRetraining {
  /** Registered name. */
  readonly model: string
  /** Folders of the service's logs, absolute. */
  readonly logs: readonly string[]
  /** Folder of runs of challengers, absolute; made when missing. */
  readonly runs: string
  /** Source of the model that decides now. */
  readonly championSource: () => Promise<string>
  /** The champion's training configuration with these assignments. */
  readonly configOf: (assignments: readonly string[]) => Promise<ConfigManager<TrainingSettings>>
  readonly loadModel: LoadModel
  readonly store: TrackingStore
  readonly storage: ServingStorage
  readonly training: Pick<TrainingOptions, 'renderers' | 'tracking' | 'owner' | 'runtime'>
  readonly workingDirectory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workers: number
  readonly work: Work
  readonly world: World
  readonly by: string
}

/** Rows of the log that the ONNX file in floats of a derived version is compared on, at most. */
const FLOAT_ROWS = 10_000
/** Days that they are of. */
const FLOAT_DAYS = 7

/** Retraining on the log of a service, by the pipelines of training and promotion. */
export const createServiceWorks = (parts: ServiceRetraining): RetrainingWorks => {
  const { model, world } = parts
  const reading = <T>(read: (options: DecisionsOfLogOptions) => Promise<T>): Promise<T> =>
    inWorkFolder(parts.runs, (workFolder) =>
      read({ folders: parts.logs, openLog: parts.storage.readLog, workFolder, work: parts.work }),
    )
  const told = async (fromMs: number, toMs: number, asOfMs: number) =>
    reading((options) => decisionsOfLog(options, { fromMs, toMs, asOfMs }))
  const eachOwn: EachOwnDecision = (decider, within, visit) =>
    reading((options) => eachOwnDecision(options, decider, within, visit))
  const champion = async () => parts.loadModel(await parts.championSource())
  const flagged = async () => (await parts.configOf([])).settings.labels.flagged ?? 'reviewed'
  const asked = async (
    episode: TrainedEpisode,
    to: PromotedAlias,
    signal: AbortSignal,
  ): Promise<GateAnswer> => gateAnswer(episode, to, signal, parts)
  return {
    decided: async (fromMs, asOfMs) => decidedRowsOf(await told(fromMs, asOfMs, asOfMs), await flagged()),
    learntUntil: async () => learntUntil((await champion()).artifact.manifest.split),
    proposeThreshold: async (episode, rules, nowMs) =>
      proposeThreshold(
        { champion: await champion(), told, eachOwn, flagged: await flagged() },
        episode,
        rules,
        nowMs,
      ),
    derive: (episode) => derive(episode, eachOwn, parts),
    adopt: (episode, signal) => adoptDerived(episode, signal, parts),
    restore: ({ adjusted, id }) =>
      takeBack(adjusted.version, `retraining ${id} goes back to the threshold before`, parts),
    adjustedTraffic: async ({ adjusted, threshold }, fromMs, toMs) =>
      adjustedTraffic(await told(fromMs, toMs, toMs), adjusted.key, threshold),
    train: async ({ id, order }, signal) => {
      const config = await parts.configOf(challengerAssignments(order, parts.logs))
      const folder = join(parts.runs, id)
      await mkdir(folder, { recursive: true })
      const { workingDirectory, environment, workers } = parts
      const readLog = parts.storage.readLog
      await runTrainingPipeline(
        { config, folder, workingDirectory, environment, workers, readLog },
        { ...parts.training, world, work: { ...parts.work, signal } },
      )
      const { version } = await versionOf(folder, parts)
      return { source: `models:/${model}/${version}`, version: String(version), run: folder }
    },
    score: (episode, signal) => scorePair(episode, signal, parts),
    passGates: (episode, signal) => asked(episode, 'staging', signal),
    promote: (episode, signal) => asked(episode, 'production', signal),
    rollBack: ({ challenger, id }) =>
      takeBack(challenger.version, `retraining ${id} goes back: it is worse in service`, parts),
    traffic: async ({ challenger, before }, fromMs, toMs) => {
      const loaded = await Promise.all([before!, challenger.source].map((source) => parts.loadModel(source)))
      const [theirs, mine] = loaded.map(({ key }) => key)
      const { settings } = await parts.configOf([])
      return servedTraffic(
        await told(fromMs, toMs, toMs),
        { champion: theirs!, challenger: mine! },
        { asOfMs: toMs, matureMs: parseDuration(settings.labels.delay) },
      )
    },
  }
}

/** `production` goes back to the version before, where it names this one. */
const takeBack = async (
  version: string,
  reason: string,
  { store, model, by, world }: ServiceRetraining,
): Promise<void> => {
  const present = (await store.registry.findModel(model))?.aliases['production']
  if (String(present) === version) await rollBack({ store, model, by, world, reason })
}

/** A version of the champion with another threshold, compared in floats on the latest days of the log. */
const derive = async (
  episode: ProposedEpisode,
  eachOwn: EachOwnDecision,
  { configOf, loadModel, store, model, world }: ServiceRetraining,
): Promise<DerivedVersion> => {
  const champion = await loadModel(episode.threshold.champion)
  const { settings } = await configOf([])
  const nowMs = world.now()
  const within = { fromMs: nowMs - FLOAT_DAYS * DAY_MS, toMs: nowMs }
  return derivedVersion(episode, {
    store,
    model,
    experiment: settings.tracking.experiment || settings.project.name,
    champion,
    judgedOn: () => latestRows(eachOwn, champion, within, FLOAT_ROWS),
    world,
  })
}

/**
 * `production` goes along where it names the champion. The gates of figures are passed over, and the decision
 * says so: the model is the same, and labels that could tell of its figures are not there yet.
 */
const adoptDerived = async (
  { adjusted, id, why }: AdjustedEpisode,
  signal: AbortSignal,
  parts: ServiceRetraining,
): Promise<void> => {
  const { store, model } = parts
  const present = (await store.registry.findModel(model))?.aliases['production']
  if (`models:/${model}/${present}` !== adjusted.before) return
  await promoteVersion({
    version: adjusted.version,
    to: 'production',
    skip: SKIPPABLE_GATES,
    reason: `retraining ${id}: the champion with another threshold: ${why}`,
    // It has no run with rows.
    runFolder: join(parts.runs, id, 'none'),
    signal,
    parts,
  })
}

/** Of training and validation; a split that is not ours says nothing. */
const learntUntil = (split: unknown): number | null => {
  const { parts } = (split ?? {}) as Partial<SplitReport>
  const ends = (parts ?? []).flatMap(({ part, toMs }) =>
    (part === 'train' || part === 'validation') && toMs !== null ? [toMs + 1] : [],
  )
  return ends.length === 0 ? null : Math.max(...ends)
}

/** The version whose artifact a run has packaged. @throws RETRAINING_NOT_REGISTERED */
const versionOf = async (
  folder: string,
  { store, model }: Pick<ServiceRetraining, 'store' | 'model'>,
): Promise<ModelVersion> => {
  const packaged = sha256(await readFile(join(folder, 'package', 'checksums.json')))
  const versions = await allVersions(store.registry, model)
  const version = versions.find(({ tags }) => tags[ARTIFACT_TAG] === packaged)
  if (version === undefined) throw new VigiaError('RETRAINING_NOT_REGISTERED', { folder, model })
  return version
}

/** Challenger and champion on the challenger's test rows; the champion on features of its own. */
const scorePair = async (
  { challenger, order }: TrainedEpisode,
  signal: AbortSignal,
  parts: ServiceRetraining,
): Promise<PairedRows> => {
  const { store, model, workers } = parts
  const version = await findVersion(store.registry, model, challenger.version)
  const { artifact } = await loadVersionArtifact(store.registry, version)
  const rows = await openRunRows(challenger.run, artifact, parts.work.database)
  if ('reason' in rows) throw new VigiaError('COMPARISON_IMPOSSIBLE', { reason: rows.reason })
  const champion = await parts.loadModel(await parts.championSource())
  const work = { ...parts.work, signal }
  const [theirs, mine] = await inWorkFolder(parts.runs, async (workFolder) => [
    await testScores(champion.artifact, rows, { workFolder, workers, work }),
    await testScores(artifact, rows, { workFolder, workers, work }),
  ])
  return pairedRows(theirs!, mine!, new Set(order.leftOutDays))
}

/** Rows of days whose data were broken compare nothing. */
const pairedRows = (theirs: ScoredTest, mine: ScoredTest, leftOut: ReadonlySet<number>): PairedRows => {
  const dayOf = (row: number): number => Math.floor(mine.eventTimesMs[row]! / DAY_MS)
  const kept = Uint32Array.from(mine.labels.keys()).filter((row) => !leftOut.has(dayOf(row)))
  return {
    labels: Uint8Array.from(kept, (row) => mine.labels[row]!),
    users: numbered(Array.from(kept, (row) => mine.userIds[row]!)),
    days: Int32Array.from(kept, dayOf),
    amountsMinor: Float64Array.from(kept, (row) => mine.amountsMinor[row]!),
    champion: Float64Array.from(kept, (row) => theirs.scores[row]!),
    challenger: Float64Array.from(kept, (row) => mine.scores[row]!),
  }
}

/** The gates of a promotion: refused by them is an answer, all else an error. */
const gateAnswer = async (
  { challenger, id }: TrainedEpisode,
  to: PromotedAlias,
  signal: AbortSignal,
  parts: ServiceRetraining,
): Promise<GateAnswer> => {
  try {
    const promoted = await promoteVersion({
      version: challenger.version,
      to,
      skip: [],
      reason: `retraining ${id}: better on matured rows that neither had learnt from`,
      runFolder: challenger.run,
      signal,
      parts,
    })
    return { isPassed: true, why: promoted === undefined ? `it is ${to} already` : `it is ${to} now` }
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'REGISTRY_GATES_FAILED')
      return { isPassed: false, why: error.message }
    throw error
  }
}

interface Promoting extends Pick<PromoteOptions, 'version' | 'to' | 'skip' | 'reason' | 'runFolder'> {
  readonly signal: AbortSignal
  readonly parts: ServiceRetraining
}

const promoteVersion = async ({
  version,
  to,
  skip,
  reason,
  runFolder,
  signal,
  parts,
}: Promoting): Promise<Promoted | undefined> => {
  const { settings } = await parts.configOf([])
  const { store, model, storage, world, by, workers } = parts
  return promote({
    store,
    model,
    by,
    world,
    storage,
    workers,
    to,
    version,
    skip,
    ...(reason !== undefined && { reason }),
    runFolder,
    runName: runFolder,
    settings: settings.promotion,
    work: { ...parts.work, signal },
  })
}

const inWorkFolder = async <T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> => {
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, '.work-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
