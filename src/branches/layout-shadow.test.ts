import { cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { verifyLog } from '../backup/verify-log.ts'
import { createDecider } from '../decisions/decider.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { DecisionEntry } from '../decisions/log/log-record.ts'
import { readShadowAnswers, shadowsFolder } from '../decisions/log/shadow-answers.ts'
import type { EntityStates } from '../features/feature-engineer.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { branchFolder } from './branch-folders.ts'
import {
  type BranchedService,
  build,
  comparedShadows,
  logFolder,
  modelOf,
  NEW,
  OLD,
  openBranched,
  parityOf,
  payment,
  stateFolder,
  WORK,
} from './branches.test-kit.ts'
import { LayoutShadow } from './layout-shadow.ts'

let root: string
let folder: string
let remove: () => void
let service: BranchedService
beforeEach(async () => {
  ;({ folder: root, remove } = testFolder())
  folder = join(root, 'one')
  service = await openBranched(folder, OLD)
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

const branch = async (): Promise<void> => {
  if (service.sent === 0) await service.send(4)
  await build(folder, NEW)
  await service.branches.adopt(NEW)
}
const shadowedBy = (shadow: LoadedModel, champion = OLD) => service.pipeline.useModels({ champion, shadow })

/**
 * Makes sure that the archive has of each decision from the transaction of that number on what a replay into
 * the shadow's layout gives. @returns how many these are
 */
const assertShadowed = async (
  { pipeline }: BranchedService,
  place: string,
  shadow: LoadedModel,
  from: number,
): Promise<number> => {
  await pipeline.saveLogs()
  const compared = await comparedShadows(place, shadow)
  const since = compared.slice(compared.findIndex(({ transactionId }) => transactionId === `t${from}`))
  expect(since.map(({ transactionId, logged }) => [transactionId, logged])).toEqual(
    since.map(({ transactionId, replayed }) => [transactionId, replayed]),
  )
  return since.length
}

test('says of each decision what a replay into its layout gives, in segments and in the archive', async () => {
  await service.send(40)
  await branch()
  await shadowedBy(NEW)
  expect(service.pipeline.models.map(({ name, role }) => `${role} ${name}`)).toEqual([
    'champion old',
    'shadow new',
  ])
  await service.send(60)
  await service.branches.archivable()
  expect(service.branches.list()).toMatchObject([{ shadow: { name: 'new' }, failure: '' }])
  expect(service.shadowed).toHaveLength(60)
  const flagged = await Promise.all(
    service.shadowed.map(async (_, i) => (await service.pipeline.find(`t${40 + i}`))!),
  )
  expect(service.shadowed.map(({ championFlagged }) => championFlagged)).toEqual(
    flagged.map(({ isFlagged }) => isFlagged),
  )
  const said = service.shadowed.map(({ model, probability }) => [model, probability])
  expect(flagged.map(({ shadow }) => [shadow?.model.name, shadow?.probability])).toEqual(said)
  expect(await assertShadowed(service, folder, NEW, 40)).toBe(60)
  expect(readdirSync(shadowsFolder(logFolder(folder)))).toEqual([])
  expect((await service.pipeline.find('t50'))?.shadow).toEqual(flagged[10]?.shadow)
  await service.pipeline.close()
  expect(await parityOf(folder)).toMatchObject({ old: { rows: 100, differing: 0, missing: 0, unchecked: 0 } })
})

test('changes nothing of what the champion answers', async () => {
  const other = await openBranched(join(root, 'alone'), OLD)
  await branch()
  await other.send(4)
  await shadowedBy(NEW)
  const answers = async ({ pipeline, send }: BranchedService) => {
    await send(40)
    const found = await Promise.all(Array.from({ length: 44 }, (_, n) => pipeline.find(`t${n}`)))
    return found.map((one) => ({ ...one, predictionId: '', shadow: undefined, label: undefined }))
  }
  expect(await answers(service)).toEqual(await answers(other))
  await other.pipeline.close()
})

test('is refused where no states of its layout follow, and a canary always', async () => {
  const refused = { code: 'SERVING_SHADOW_WITHOUT_STATES' }
  await expect(shadowedBy(NEW)).rejects.toMatchObject(refused)
  expect(service.pipeline.models).toHaveLength(1)
  await branch()
  const canary = { champion: OLD, canary: { model: NEW, share: 0.5 } }
  await expect(service.pipeline.useModels(canary)).rejects.toMatchObject({ code: 'SERVING_STATES_FOREIGN' })
  await shadowedBy(NEW)
})

test('goes on when its layout decides, when that of before does again, and when the champion is trained anew', async () => {
  const shadow = modelOf('third', 3, '1000s')
  await branch()
  await shadowedBy(shadow)
  await service.send(30)
  await shadowedBy(shadow, NEW)
  expect(service.branches.list()).toMatchObject([{ shadow: undefined }])
  await service.send(30)
  await shadowedBy(shadow, modelOf('again', 4, 'never'))
  await service.send(30)
  expect(await assertShadowed(service, folder, shadow, 4)).toBe(90)
  expect(service.shadowed).toHaveLength(90)
})

test('may be the champion of before, by the states of before', async () => {
  await branch()
  await shadowedBy(OLD, NEW)
  await service.send(30)
  expect(await assertShadowed(service, folder, OLD, 4)).toBe(30)
})

test('lacks nothing after a kill at any save of its states', async () => {
  await service.pipeline.close()
  const copies: string[] = []
  const place = branchFolder(stateFolder(folder), NEW.layoutKey)
  service = await openBranched(folder, OLD, service, undefined, {
    saveAfterMs: 200,
    wrap: (store, opened) => ({
      ...store,
      save: async (...saved) => {
        const isSaved = await store.save(...saved)
        // As a kill right after it leaves them.
        if (opened === place && copies.length < 4) {
          const copy = join(root, `killed-${copies.length}`)
          cpSync(folder, copy, { recursive: true })
          copies.push(copy)
        }
        return isSaved
      },
    }),
  })
  await service.send(20)
  await branch()
  await shadowedBy(NEW)
  const from = service.sent
  while (copies.length < 4) await service.send(50)
  for (const copy of copies) {
    const again = await openBranched(copy, OLD, service, undefined, { shadow: NEW })
    expect(again.warnings).toEqual([])
    expect(await assertShadowed(again, copy, NEW, from)).toBeGreaterThan(0)
    await again.pipeline.close()
  }
})

test('has its answers written before its states are saved, and lets others save as they like', async () => {
  const shadow = new LayoutShadow({
    folder,
    log: { read: async function* () {} },
    observer: { shadowed: () => undefined },
  })
  shadow.use({ champion: OLD, shadow: NEW })
  const { engineer } = createDecider({ champion: NEW })
  const states = Object.fromEntries(
    engineer.kinds.map((kind) => [kind, engineer.keeperOf(kind)!.create()]),
  ) as unknown as EntityStates
  const position = { segment: '000000000001.log', offset: 0 }
  const decided = { transaction: payment(1), decidedAtMs: 1e12, isFlagged: false } as DecisionEntry
  expect(shadow.listener(OLD.layoutKey)).toBeUndefined()
  shadow.listener(NEW.layoutKey)!({ sequence: 2, position }, decided, states)
  // Its record has the answer of another shadow.
  const answered = { ...decided, shadow: { model: 'other', probability: 0.5, isFlagged: true } }
  shadow.listener(NEW.layoutKey)!({ sequence: 3, position }, answered, states)
  const written: number[][] = []
  const store = {
    save: async () => {
      written.push([...(await readShadowAnswers(folder, position.segment)).keys()])
      return true
    },
  } as unknown as OwnedStateStore
  await shadow.savedAfter(store, OLD.layoutKey).save([])
  await shadow.savedAfter(store, NEW.layoutKey).save([])
  expect(written).toEqual([[], [2]])
})

test('that was chosen starts without its states, which is told, and goes on by itself once they follow', async () => {
  await service.send(20)
  await service.pipeline.close()
  service = await openBranched(folder, OLD, service, undefined, { shadow: NEW })
  expect(service.warnings).toEqual([
    expect.stringMatching(/SERVING_SHADOW_WITHOUT_STATES .*new 2.*no states of its layout/),
  ])
  expect(service.pipeline.models[1]).toMatchObject({ unscored: expect.stringContaining('no states of') })
  await service.send(10)
  // It hinders nobody who lets another champion decide.
  await shadowedBy(NEW, modelOf('again', 4, 'never'))
  await branch()
  expect(service.pipeline.models[1]).not.toHaveProperty('unscored')
  await service.send(10)
  expect(await assertShadowed(service, folder, NEW, 30)).toBe(10)
})

test('keeps its states from being ended', async () => {
  await branch()
  await shadowedBy(NEW)
  await expect(service.branches.drop(NEW.layoutKey)).rejects.toMatchObject({
    code: 'SERVING_BRANCH_SHADOWED',
  })
  await service.send(5)
  await service.pipeline.useModels({ champion: OLD })
  await service.branches.drop(NEW.layoutKey)
  expect(service.branches.list()).toEqual([])
})

test('whose answers cannot be written holds its states back, which is told, and lacks none of them later', async () => {
  await service.send(10)
  await branch()
  await shadowedBy(NEW)
  const place = shadowsFolder(logFolder(folder))
  writeFileSync(place, 'no folder')
  await service.send(10)
  expect((await service.pipeline.saveLogs()).records).toBe(25)
  expect(service.warnings).toEqual([
    expect.stringMatching(/SERVING_BRANCH_FAILED .*"shadow":"new 2"/),
    expect.stringMatching(/SERVING_SHADOW_UNREADABLE .*shadows/),
  ])
  expect(service.branches.list()).toMatchObject([{ failure: expect.stringContaining('EEXIST') }])
  // The champion is not concerned.
  await service.send(10)
  rmSync(place)
  expect(await assertShadowed(service, folder, NEW, 10)).toBe(20)
  expect(service.branches.list()).toMatchObject([{ failure: '', behind: 0 }])
  expect(service.shadowed).toHaveLength(20)
})

test('whose answers cannot be read hinders no look-up and no saving, which is told, and lacks none of them later', async () => {
  await service.send(10)
  await branch()
  await shadowedBy(NEW)
  await service.send(10)
  await service.branches.archivable()
  const known = await service.pipeline.find('t15')
  const place = shadowsFolder(logFolder(folder))
  renameSync(place, `${place}.aside`)
  writeFileSync(place, 'no folder')
  const { shadow, ...decided } = known!
  expect(shadow).toMatchObject({ model: { name: 'new' } })
  for (const id of ['t15', decided.predictionId])
    expect(await service.pipeline.find(id)).toEqual({ ...decided, isShadowUnreadable: true })
  const unreadable = expect.stringMatching(/^SERVING_SHADOW_UNREADABLE .*ENOTDIR/)
  expect(service.warnings).toEqual([unreadable])
  expect((await service.pipeline.saveLogs()).records).toBe(25)
  expect(service.warnings).toEqual([unreadable, unreadable])
  await service.send(5)
  rmSync(place)
  renameSync(`${place}.aside`, place)
  expect(await service.pipeline.find('t15')).toEqual(known)
  expect(await assertShadowed(service, folder, NEW, 10)).toBe(15)
  expect(readdirSync(place)).toEqual([])
  expect(await service.pipeline.find('t15')).toEqual(known)
  const verified = await verifyLog({
    folder: logFolder(folder),
    log: openLogReader(logFolder(folder)),
    workFolder: folder,
    work: WORK,
  })
  expect(verified.problems).toEqual([])
})

test('whose answers cannot be read hinders no start', async () => {
  await branch()
  await service.pipeline.close()
  const place = shadowsFolder(logFolder(folder))
  writeFileSync(place, 'no folder')
  service = await openBranched(folder, OLD, service)
  await service.send(5)
  rmSync(place)
  await shadowedBy(NEW)
  await service.send(5)
  expect(await assertShadowed(service, folder, NEW, 9)).toBe(5)
})

test('scores what comes too old to move a state', async () => {
  await service.pipeline.close()
  const maxAgeMs = 86_400_000
  const eventTime = { maxAgeMs, maxFutureMs: maxAgeMs }
  service = await openBranched(folder, OLD, service, undefined, { eventTime })
  await branch()
  await shadowedBy(NEW)
  await service.send(10)
  service.nowMs += 2 * maxAgeMs
  expect(await service.pipeline.predict(payment(900), 0)).toMatchObject({ timing: 'too_old' })
  service.nowMs -= 2 * maxAgeMs
  await service.send(10)
  expect(await assertShadowed(service, folder, NEW, 4)).toBe(21)
})
