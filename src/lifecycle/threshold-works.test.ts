import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseIn } from '../../test/parity/replay-run.ts'
import { testStorage } from '../../test/parity/serving-kit.ts'
import { findModel } from '../artifacts/model-source.ts'
import { loadTrainingConfig } from '../config/config-manager.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DAY_MS } from '../foundation/days.ts'
import { contentsOf, LINEAR } from '../model/artifact.test-kit.ts'
import { encodeArtifact } from '../model/artifact.ts'
import { profileNumbers } from '../model/reference-profile.ts'
import { createScorer } from '../model/scorer.ts'
import { createServedBank, type ServedBank } from '../pipelines/parity/served-bank.test-kit.ts'
import { registerArtifact } from '../pipelines/promotion/register-artifact.ts'
import type { AdjustedChampion, Episode, ThresholdProposal } from '../retraining/episode.ts'
import { DEFAULT_RULES } from '../retraining/retraining-rules.ts'
import { createMemoryTrackingStore } from '../tracking/memory-tracking-store.test-kit.ts'
import { eachOwnDecision } from './own-decisions.ts'
import { createServiceWorks, type ServiceRetraining } from './retraining-of-service.ts'

/*
 * The works of a threshold on what a service has really written: a bank is served through the serving path,
 * its log is read, a version is registered and gets the alias. The bank has some 40 transactions a day.
 */

const NAMES = ['amount_log', 'hour']
const MODEL = {
  ...LINEAR,
  featureNames: NAMES,
  means: [5, 12],
  scales: [1, 6],
  coefficients: [1, 0.01],
  intercept: -2,
}
const RULES = { ...DEFAULT_RULES, alertsPerDay: 4, leastDecisions: 100 }

let bank: ServedBank
let works: ReturnType<typeof createServiceWorks>
let nowMs: number
let champion: string
let ids = 0
const { tracker, registry } = createMemoryTrackingStore()
const store = { tracker, registry }

const aliases = async (): Promise<unknown> => (await registry.findModel('fraud'))?.aliases

beforeAll(async () => {
  bank = await createServedBank()
  const work = unwatchedWork(databaseIn(bank.folder))
  const contents = contentsOf(MODEL)
  const { featureSettings, fitted } = bank.trained.model.artifact.manifest
  const values = Float64Array.of(1, 2, 3)
  const features = { amount_log: profileNumbers(values), hour: profileNumbers(values) }
  await registerArtifact({
    store,
    model: 'fraud',
    experiment: 'fraud',
    runName: 'a training',
    files: encodeArtifact({
      ...contents,
      manifest: {
        ...contents.manifest,
        featureSettings,
        fitted,
        calibration: { method: 'none' },
        threshold: 0.01,
      },
      categorical: [],
      reference: { ...contents.reference, features },
    }),
    where: 'here',
    tags: {},
    world: { now: () => 0 },
  })
  await registry.setAlias('fraud', 'production', 1)
  champion = 'models:/fraud/1'
  const loadModel = async (source: string): Promise<LoadedModel> => {
    const found = await findModel(source, { workingDirectory: bank.folder, openRegistry: async () => store })
    const { artifact, sha256, ...named } = found
    const scorer = createScorer(artifact)
    const { description } = bank.trained.model
    const told = { ...description, ...named, sha256, threshold: scorer.threshold, featureNames: NAMES }
    return { ...bank.trained.model, key: sha256.slice(0, 16), artifact, scorer, description: told }
  }
  const model = await loadModel(champion)
  const workFolder = join(bank.folder, 'served')
  await bank.serve({ ...bank.trained, model }, { workFolder })
  const logs = [join(workFolder, '.vigia', 'log')]
  const config = (assignments: readonly string[]) =>
    loadTrainingConfig({ environment: {}, assignments, workingDirectory: bank.folder })
  let lastMs = 0
  const options = { folders: logs, openLog: testStorage().readLog, workFolder: bank.folder, work }
  await eachOwnDecision(options, model, { fromMs: 0, toMs: 1e15 }, ({ transaction }) => {
    lastMs = Math.max(lastMs, transaction.eventTimeMs)
  })
  nowMs = (Math.floor(lastMs / DAY_MS) + 1) * DAY_MS
  works = createServiceWorks({
    model: 'fraud',
    logs,
    runs: join(bank.folder, 'runs'),
    championSource: async () => champion,
    configOf: async (assignments) => config(assignments),
    loadModel,
    store,
    storage: testStorage(),
    training: {} as ServiceRetraining['training'],
    workingDirectory: bank.folder,
    environment: {},
    workers: 1,
    work,
    world: { now: () => nowMs, monotonicMs: () => 0, newId: () => `id ${ids++}` },
    by: 'vigia',
  })
}, 120_000)
afterAll(() => bank?.remove())

describe('a threshold to the budget, on the log of a service', () => {
  const episode = {
    id: 'episode',
    kind: 'covariate_shift',
    why: 'scores have moved',
    lastLook: 'daily',
    leftOutDays: [],
  } as unknown as Episode
  const signal = new AbortController().signal
  let proposal: ThresholdProposal
  let adjusted: AdjustedChampion

  test('is proposed from what the champion has decided', async () => {
    const moved = { ...episode, changedMs: nowMs - 5 * DAY_MS, movedMs: nowMs - 5 * DAY_MS }
    const answer = await works.proposeThreshold(moved, RULES, nowMs)
    expect(answer).toMatchObject({ champion, present: 0.01, days: 5, calibration: null })
    proposal = answer as ThresholdProposal
    expect(Math.abs(proposal.alertsPerDay - 4)).toBeLessThanOrEqual(0.4)
    expect(proposal.presentAlertsPerDay).toBeGreaterThan(10)
  })

  test('becomes a version that is compared on logged rows, and goes on from the same states', async () => {
    const derived = await works.derive({ ...episode, threshold: proposal }, signal)
    expect(derived).toMatchObject({ source: 'models:/fraud/2' })
    expect(await works.derive({ ...episode, threshold: proposal }, signal)).toEqual(derived)
    const places = { workingDirectory: bank.folder, openRegistry: async () => store }
    const { artifact } = await findModel(derived.source, places)
    expect(artifact.manifest.threshold).toBe(proposal.threshold)
    expect(artifact.manifest.onnx.float32!.rows).toBeGreaterThan(100)
    adjusted = { ...derived, before: champion }
    expect(await aliases()).toEqual({ production: 1 })
  })

  test('has the alias go along and back, as often as it is asked for', async () => {
    const asked = { ...episode, adjusted }
    await works.adopt(asked, signal)
    await works.adopt(asked, signal)
    expect(await aliases()).toMatchObject({ production: 2, previous: 1 })
    const { tags } = (await registry.findVersion('fraud', 2))!
    expect(tags['vigia.promotion_reason']).toBe(
      'retraining episode: the champion with another threshold: scores have moved',
    )
    await works.restore(asked)
    await works.restore(asked)
    expect(await aliases()).toMatchObject({ production: 1 })
  })

  test('leaves an alias alone that names another version than the champion', async () => {
    await registry.setAlias('fraud', 'production', 2)
    await works.adopt(
      { ...episode, adjusted: { ...adjusted, version: '1', before: 'models:/fraud/9' } },
      signal,
    )
    expect(await aliases()).toMatchObject({ production: 2 })
    await registry.setAlias('fraud', 'production', 1)
  })

  test('has its alerts counted by the model that decided', async () => {
    const { key } = adjusted
    const asked = { ...episode, adjusted, threshold: proposal }
    expect(await works.adjustedTraffic(asked, 0, nowMs)).toEqual({ decisions: 0, alerts: 0, alertsBefore: 0 })
    const places = { workingDirectory: bank.folder, openRegistry: async () => store }
    const own = (await findModel(champion, places)).sha256.slice(0, 16)
    expect(own).not.toBe(key)
    const five = await works.adjustedTraffic(
      { ...asked, adjusted: { ...adjusted, key: own } },
      nowMs - 5 * DAY_MS,
      nowMs,
    )
    expect(five.alerts).toBe(proposal.alertsPerDay * 5)
    expect(five.alertsBefore).toBe(proposal.presentAlertsPerDay * 5)
  })
})
