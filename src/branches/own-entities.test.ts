import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { smallSettings } from '../../test/oracle/random-histories.ts'
import { statesIdentity } from '../artifacts/states-manifest.ts'
import { testFolder, testModel } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import { listSnapshots } from '../decisions/log/state-snapshots.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { sha256 } from '../foundation/hash.ts'
import type { KeepingSettings } from '../keeping/log-keeping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type BranchedService, build, logFolder, openBranched, parityOf } from './branches.test-kit.ts'

/** Notes, corners and accounts have states of their own. */
const OWN: LoadedModel = { ...testModel('own', 2), layoutKey: sha256('own'), statesKey: 'own' }
/** Of the same data, without them. */
const PLAIN = withoutEntities(testModel('plain', 1))

let root: string
let folder: string
let remove: () => void
let service: BranchedService
let next: number
/** Number of the last decision. */
let last: number
beforeEach(() => {
  ;({ folder: root, remove } = testFolder())
  folder = join(root, 'one')
  next = 0
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

const whole = (rows: number) => ({ rows, differing: 0, missing: 0, extra: 0, unchecked: 0 })
const use = (champion: LoadedModel) => service.pipeline.useModels({ champion })
const label = (n: number, isFraud: boolean | null = true) =>
  service.pipeline.applyFeedback({ transactionId: `t${n}`, isFraud })

/** Decides on the next ones; labels of some came before them, and those of others come a while later. */
const send = async (count: number, labelled = true): Promise<void> => {
  for (const end = next + count; next < end; next++) {
    ;({ sequence: last } = await service.pipeline.predict(payment(next), 0))
    if (!labelled) continue
    if (next % 3 === 0 && next >= 40) await label(next - 40, next % 2 === 0)
    if (next % 11 === 0) await label(next + 7)
  }
}

describe('states of entities that the models before did not know', () => {
  test('learn labels of transactions of before, told before and after the switch, and those that waited', async () => {
    service = await openBranched(folder, PLAIN)
    await send(150)
    await build(folder, OWN)
    await service.branches.adopt(OWN)
    await send(50)
    expect(await label(170, true)).toBe('applied')
    expect(await label(203, true)).toBe('waiting')
    await use(OWN)
    expect(await label(171, true)).toBe('applied')
    await send(150)
    await use(PLAIN)
    expect(await label(300, true)).toBe('applied')
    await send(60)
    await use(OWN)
    await send(100)
    expect(service.warnings).toEqual([])
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ plain: whole(260), own: whole(250) })
  })

  test('are compared where a replay knows whose a label is, and counted apart where nothing says it', async () => {
    const keeping: KeepingSettings = {
      snapshotEveryMs: DAY_MS,
      snapshotsKept: 100,
      keepMs: Number.POSITIVE_INFINITY,
    }
    service = await openBranched(folder, PLAIN, undefined, keeping)
    const endDay = async (): Promise<void> => {
      await send(60, false)
      service.nowMs += DAY_MS
      await service.pipeline.saveLogs()
      // The record says whose they are as the models know it that decide.
      for (let n = next - 50; n < next; n += 3) await label(n)
    }
    await endDay()
    await build(folder, OWN)
    await service.branches.adopt(OWN)
    for (let day = 0; day < 3; day++) await endDay()
    const switched = last
    await use(OWN)
    for (let day = 0; day < 3; day++) await endDay()
    await service.pipeline.close()
    const sequencesIn = async (kept: string): Promise<readonly number[]> =>
      (await listSnapshots(kept)).map(({ name }) => Number(name))
    const own = await sequencesIn(join(logFolder(folder), 'branches', layoutName(OWN.layoutKey)))
    const sequences = await sequencesIn(logFolder(folder))
    // From where they have one of their own, later than the one that they began with: when they take it hangs
    // on when they follow.
    const before = sequences.find(
      (sequence) => sequence < switched && own.some((one) => one > own[0]! && one <= sequence),
    )
    const after = sequences.find((sequence) => sequence > switched)
    const parities = await Promise.all([0, before!, after!].map((sequence) => parityOf(folder, sequence)))
    const checked = parities.map(({ plain, own }) => [plain?.unchecked ?? 0, own!.unchecked])
    expect(checked).toEqual([
      [0, 0],
      [0, 180],
      [0, 0],
    ])
    for (const parity of parities)
      for (const compared of Object.values(parity))
        expect(compared).toMatchObject({ differing: 0, missing: 0, extra: 0 })
  })
})

const DAY_MS = 86_400_000

const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 7}`,
  merchantId: n % 3 === 0 ? 'shop' : 'market',
  deviceId: `d${n % 4}`,
  eventTimeMs: 1e12 + n * 400,
  amountMinor: 100 + (n % 50),
  ...(n % 5 !== 0 && { location: `place${n % 2}` }),
  attributes: { browser: 'lynx', note: `n${n % 3}`, payer: `a${n % 5}`, payee: `a${(n + 1) % 4}` },
})

function withoutEntities(model: LoadedModel): LoadedModel {
  const small = smallSettings()
  const settings = {
    ...small,
    options: { ...small.options, entities: [], standardEntities: [], derived: [], aggregates: [] },
  }
  const fitted = { ...model.fitted, entities: [] }
  const { manifest } = model.artifact as unknown as {
    manifest: { featureSettings: { features: object }; fitted: object }
  }
  const { features } = manifest.featureSettings
  return {
    ...model,
    artifact: {
      manifest: {
        featureSettings: {
          ...manifest.featureSettings,
          features: { ...features, derived: {}, aggregates: {} },
        },
        fitted: { ...manifest.fitted, features: fitted },
      },
    } as never,
    settings,
    fitted,
    computed: planFeatures(settings).features.map(({ feature }) => feature.name),
    identity: statesIdentity(settings, fitted),
    statesKey: 'plain',
    layoutKey: sha256('plain'),
  }
}
