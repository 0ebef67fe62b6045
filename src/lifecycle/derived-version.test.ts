import { beforeAll, describe, expect, test } from 'vitest'
import { loadVersionArtifact } from '../artifacts/version-artifact.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { encodeDays } from '../drift/days-encoding.ts'
import { ProfileBook } from '../drift/profile-book.ts'
import { sha256 } from '../foundation/hash.ts'
import { calibrate } from '../learning/calibration/calibration.ts'
import { contentsOf, TREES } from '../model/artifact.test-kit.ts'
import { type Artifact, decodeArtifact, encodeArtifact } from '../model/artifact.ts'
import { createScorer } from '../model/scorer.ts'
import { monitoredModel } from '../monitoring/monitored-model.ts'
import { registerArtifact } from '../pipelines/promotion/register-artifact.ts'
import type { ThresholdProposal } from '../retraining/episode.ts'
import type { ProposedEpisode } from '../retraining/retraining-works.ts'
import { createMemoryTrackingStore } from '../tracking/memory-tracking-store.test-kit.ts'
import { derivedArtifact, derivedVersion } from './derived-version.ts'

const ROWS = {
  names: ['amount', 'category'],
  rowCount: 3,
  columns: [Float64Array.of(50, 150, 500), Float64Array.of(0, 1, 2)],
}
const PROPOSAL: ThresholdProposal = {
  threshold: 0.7,
  present: 0.3,
  presentRescaled: 0.3,
  alertsPerDay: 100,
  presentAlertsPerDay: 300,
  rows: 1000,
  days: 1,
  champion: 'models:/fraud/1',
  calibration: null,
  calibrationWhy: 'it stays: 0 of 100 frauds since the change are known',
}
const EPISODE = {
  id: 'episode',
  kind: 'covariate_shift',
  why: 'scores have moved',
  lastLook: 'daily 2026-01-02',
  threshold: PROPOSAL,
} as unknown as ProposedEpisode

/** An artifact with two days of its training. */
const files = () => {
  const contents = contentsOf(TREES)
  const book = new ProfileBook(contents.reference, {
    features: TREES.featureNames,
    threshold: contents.manifest.threshold,
  })
  for (let row = 0; row < 48; row++)
    book.add(row * 3_600_000, Float64Array.of(row * 10, row % 3), row / 48, 'card')
  return encodeArtifact({ ...contents, days: encodeDays([book.day(0)!, book.day(1)!]) })
}
const loaded = (artifact: Artifact, hash: string, source: string): LoadedModel =>
  ({
    key: hash.slice(0, 16),
    artifact,
    scorer: createScorer(artifact),
    description: { name: 'fraud', version: '1', source, sha256: hash, title: 'A model' },
  }) as unknown as LoadedModel

const CHAMPION = loaded(
  decodeArtifact(files(), 'champion'),
  sha256(files().get('checksums.json')!),
  'models:/fraud/1',
)
const derivedOf = (proposal: ThresholdProposal): Artifact =>
  decodeArtifact(derivedArtifact(CHAMPION, proposal, ROWS, EPISODE), 'derived')

describe('the artifact of a champion with another threshold', () => {
  test('has the same model, features, states and probabilities, and another threshold', () => {
    const { manifest, model } = derivedOf(PROPOSAL)
    const before = CHAMPION.artifact
    expect(model).toEqual(before.model)
    for (const key of ['features', 'featureSettings', 'fitted', 'calibration', 'split', 'data'] as const)
      expect(manifest[key]).toEqual(before.manifest[key])
    expect(manifest.threshold).toBe(0.7)
    expect(manifest.thresholdChoice).toBe(
      '100.0 alerts a day on 1 days of decisions, by the look daily 2026-01-02; it was 0.3',
    )
    expect(manifest.metrics).toEqual({})
    const [theirs, mine] = [new Float64Array(3), new Float64Array(3)]
    CHAMPION.scorer.scoreMany(ROWS, theirs)
    createScorer(derivedOf(PROPOSAL)).scoreMany(ROWS, mine)
    expect([...mine]).toEqual([...theirs])
  })

  test('is monitored on: its days have the features of before, and no scores', () => {
    const before = monitoredModel(CHAMPION).trainingDays
    const after = monitoredModel(loaded(derivedOf(PROPOSAL), 'a'.repeat(64), 'here')).trainingDays
    expect(after.map(({ day, profile }) => [day, profile.rows, profile.scored])).toEqual([
      [0, 24, 0],
      [1, 24, 0],
    ])
    const featuresOf = ([first]: typeof before): number[] => {
      const { columns } = first!.profile.layout
      return columns.slice(0, -1).flatMap((column) => [...first!.profile.countsOf(column)])
    }
    expect(featuresOf(after)).toEqual(featuresOf(before))
  })

  test('calibrated anew its probabilities are those of the new calibration, and so is what was usual', () => {
    const calibration = { slope: 2, intercept: 1 }
    const { manifest, reference } = derivedOf({ ...PROPOSAL, calibration, calibrationWhy: "Platt's" })
    expect(manifest.calibration).toEqual({ method: 'platt', ...calibration })
    expect(manifest.calibrationChoice).toBe("Platt's")
    const before = CHAMPION.artifact.reference.score.profile
    const { profile } = reference.score
    expect(profile.counts).toEqual(before.counts)
    // .1 of the isotonic calibration is the raw probability .12, .4 is .18.
    const platt = { method: 'platt', ...calibration } as const
    expect(profile.edges[0]).toBeCloseTo(calibrate(platt, 0.12), 9)
    expect(profile.edges[1]).toBeCloseTo(calibrate(platt, 0.18), 9)
  })
})

describe('the version of a champion with another threshold', () => {
  const { tracker, registry } = createMemoryTrackingStore()
  const store = { tracker, registry }
  const world = { now: () => 5 }
  const asked = {
    store,
    model: 'fraud',
    experiment: 'fraud',
    champion: CHAMPION,
    judgedOn: async () => ROWS,
    world,
  }
  beforeAll(async () => {
    await registerArtifact({
      ...asked,
      runName: 'a training',
      files: files(),
      where: 'here',
      tags: { 'vigia.training_data_sha256': 'data' },
    })
  })

  test('says of which champion it is, why, and by which look, and its checksums are right', async () => {
    const derived = await derivedVersion(EPISODE, asked)
    expect(derived).toMatchObject({ source: 'models:/fraud/2', version: '2' })
    const version = (await registry.findVersion('fraud', 2))!
    expect(version.tags).toMatchObject({
      'vigia.kind': 'threshold',
      'vigia.derived_from': 'models:/fraud/1',
      'vigia.derived_from_sha256': CHAMPION.description.sha256,
      'vigia.derived_why': 'scores have moved',
      'vigia.trigger': 'covariate_shift',
      'vigia.look': 'daily 2026-01-02',
      'vigia.retraining': 'episode',
      'vigia.threshold': '0.7',
      'vigia.threshold_before': '0.3',
      'vigia.training_data_sha256': 'data',
    })
    const { artifact, sha256: hash } = await loadVersionArtifact(registry, version)
    expect(artifact.manifest.threshold).toBe(0.7)
    expect(derived.key).toBe(hash.slice(0, 16))
  })

  test('is made once: who asks again finds it', async () => {
    expect(await derivedVersion(EPISODE, asked)).toMatchObject({ version: '2' })
    expect((await registry.listVersions('fraud')).items[0]!.version).toBe(2)
  })

  test('of another threshold is another one', async () => {
    const other = { ...EPISODE, threshold: { ...PROPOSAL, threshold: 0.8 } }
    expect(await derivedVersion(other, asked)).toMatchObject({ version: '3' })
  })
})
