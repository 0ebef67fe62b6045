import { ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '../ports/experiment-tracker.ts'
import type { ModelRegistry, ModelVersion } from '../ports/model-registry.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { has, refuses, same, tenOf } from './assertions.ts'
import { closingAfter, type Law, lawMaker } from './law.ts'

/** A model registry, as its laws open it: beside the tracker whose runs have the files of its versions. */
export interface ModelRegistrySubject {
  /** A handle on the same store each time: the laws open two, as two processes would. */
  open(): Promise<TrackingStore>
}

interface Tools {
  readonly registry: ModelRegistry
  /** The same store, as another process sees it. */
  readonly other: ModelRegistry
  /** A run with the folder `model` among its artifacts. */
  readonly runId: string
  /** Local, for this law alone. */
  readonly folder: string
  readonly newVersion: (name: string, tags?: Readonly<Record<string, string>>) => Promise<ModelVersion>
}

const law = lawMaker<ModelRegistrySubject, Tools>(async (subject, check) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-registry-'))
  const opened: TrackingStore[] = []
  const open = async (): Promise<TrackingStore> => {
    const store = await subject.open()
    opened.push(store)
    return store
  }
  const work = async (): Promise<void> => {
    const { tracker, registry } = await open()
    const { registry: other } = await open()
    const runId = await runWithModel(tracker, folder)
    const newVersion: Tools['newVersion'] = (name, tags = {}) =>
      registry.createVersion({ name, runId, artifactPath: 'model', description: 'of a test', tags })
    await check({ registry, other, runId, folder, newVersion })
  }
  await closingAfter(work, async () => {
    rmSync(folder, { recursive: true, force: true })
    await Promise.all(opened.map(({ tracker }) => tracker.close()))
  })
})

/** Laws 1 to 6 of `ModelRegistry` (`ports/model-registry.ts`). */
export const modelRegistryLaws: readonly Law<ModelRegistrySubject>[] = [
  law(5, 'a model is made once, and found by every process', async ({ registry, other }) => {
    const name = unique('détecteur')
    same(await other.findModel(name), undefined)
    await registry.ensureModel(name, 'finds fraud')
    await other.ensureModel(name, 'something else')
    same(await other.findModel(name), { name, description: 'finds fraud', tags: {}, aliases: {} })
  }),
  law(5, 'ten who make one model at once all find it', async ({ registry, other }) => {
    const name = unique('contested')
    const made = await Promise.all(tenOf((i) => (i % 2 ? registry : other).ensureModel(name, 'd')))
    same(
      made.map((model) => model.name),
      tenOf(() => name),
    )
  }),
  law(3, 'models are listed', async ({ registry, other }) => {
    const names = [unique('first'), unique('second')]
    for (const name of names) await registry.ensureModel(name, '')
    const listed = (await allOf((page) => other.listModels(page))).map(({ name }) => name)
    ok(names.every((name) => listed.includes(name)))
    same(new Set(listed).size, listed.length)
  }),
  law(
    1,
    'versions are numbered from 1, and carry their run, description and tags',
    async ({ registry, other, runId, newVersion }) => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      const first = await newVersion(name, { 'vigia.metric/test': '0.7' })
      same([first.version, first.runId, first.description], [1, runId, 'of a test'])
      same((await newVersion(name)).version, 2)
      const read = await other.findVersion(name, 1)
      has(read ?? {}, { name, version: 1, runId, description: 'of a test', aliases: [] })
      same(read?.tags['vigia.metric/test'], '0.7')
      same(await other.findVersion(name, 3), undefined)
      same(
        (await allOf((page) => other.listVersions(name, page))).map(({ version }) => version),
        [2, 1],
      )
    },
  ),
  law(1, 'of ten versions that are made at once, each has its number', async ({ registry, other, runId }) => {
    const name = unique('m')
    await registry.ensureModel(name, '')
    const made = await Promise.all(
      tenOf((i) => (i % 2 ? registry : other).createVersion({ name, runId, artifactPath: 'model' })),
    )
    same(
      made.map(({ version }) => version).sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
  }),
  law(6, 'a version of a model or a run that is not there is refused', async ({ registry, newVersion }) => {
    await refuses(newVersion(unique('none')), 'TRACKING_NOT_FOUND')
    const name = unique('m')
    await registry.ensureModel(name, '')
    await refuses(
      registry.createVersion({ name, runId: '0'.repeat(32), artifactPath: 'model' }),
      'TRACKING_NOT_FOUND',
    )
  }),
  law(2, 'an alias names one version, is moved, and removed', async ({ registry, other, newVersion }) => {
    const name = unique('m')
    await registry.ensureModel(name, '')
    await newVersion(name)
    await newVersion(name)
    await registry.setAlias(name, 'staging', 1)
    await registry.setAlias(name, 'production', 1)
    same((await other.findVersion(name, 1))?.aliases, ['production', 'staging'])
    await registry.setAlias(name, 'production', 2)
    same((await other.findModel(name))?.aliases, { production: 2, staging: 1 })
    same((await other.findVersion(name, 2))?.aliases, ['production'])
    await registry.deleteAlias(name, 'staging')
    await registry.deleteAlias(name, 'staging')
    same((await other.findModel(name))?.aliases, { production: 2 })
  }),
  law(2, 'while an alias is moved to and fro it is never gone', async ({ registry, other, newVersion }) => {
    const name = unique('m')
    await registry.ensureModel(name, '')
    await newVersion(name)
    await newVersion(name)
    await registry.setAlias(name, 'production', 1)
    let moving = true
    const moves = (async () => {
      for (let i = 0; i < 20; i++) await registry.setAlias(name, 'production', 1 + (i % 2))
    })().finally(() => {
      moving = false
    })
    while (moving) ok([1, 2].includes((await other.findModel(name))?.aliases['production'] ?? 0))
    await moves
  }),
  ...['latest', 'v3', 'with space', 'a/b', ''].map((alias) =>
    law(6, `the alias ${JSON.stringify(alias)} is refused`, async ({ registry, newVersion }) => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      await refuses(registry.setAlias(name, alias, 1), 'TRACKING_NAME_INVALID')
    }),
  ),
  law(6, 'an alias of a version that is not there is refused', async ({ registry }) => {
    const name = unique('m')
    await registry.ensureModel(name, '')
    await refuses(registry.setAlias(name, 'production', 7), 'TRACKING_NOT_FOUND')
  }),
  law(3, 'tags of a version are added and replaced', async ({ registry, other, newVersion }) => {
    const name = unique('m')
    await registry.ensureModel(name, '')
    await newVersion(name, { first: '1' })
    await other.tagVersion(name, 1, { first: 'uno', second: '2' })
    const tags = (await registry.findVersion(name, 1))?.tags
    same([tags?.['first'], tags?.['second']], ['uno', '2'])
  }),
  law(
    4,
    'the files of a version are those of its run, byte for byte',
    async ({ registry, other, folder, newVersion }) => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      const back = join(folder, randomUUID())
      await other.downloadVersion(name, 1, back)
      same(readFileSync(join(back, 'MLmodel'), 'utf8'), 'flavors: {}\n')
      same(readFileSync(join(back, 'vigia', 'model.json'), 'utf8'), '{"kind":"tree_ensemble"}')
    },
  ),
  ...['', 'a/b', 'a:b', 'x'.repeat(251)].map((name) =>
    law(6, `the name ${JSON.stringify(name)} is refused`, async ({ registry }) => {
      await refuses(registry.ensureModel(name, ''), 'TRACKING_NAME_INVALID')
    }),
  ),
]

/** The items of all pages. */
const allOf = async <Item>(read: (page?: string) => Promise<Page<Item>>): Promise<readonly Item[]> => {
  const items: Item[] = []
  let page: string | undefined
  do {
    const answer = await read(page)
    ok(answer.items.length > 0 || answer.nextPage === undefined, 'empty pages come to no end')
    items.push(...answer.items)
    page = answer.nextPage
  } while (page !== undefined)
  return items
}

const unique = (name: string): string => `${name} ${randomUUID()}`

/** A run whose artifact `model` is a small folder. @returns its id */
const runWithModel = async (tracker: TrackingStore['tracker'], folder: string): Promise<string> => {
  const experiment = await tracker.createExperiment(unique('models'))
  const run = await tracker.createRun({
    experimentId: experiment.id,
    name: 'run',
    startTimeMs: 1_790_000_000_000,
  })
  const local = join(folder, 'model')
  mkdirSync(join(local, 'vigia'), { recursive: true })
  writeFileSync(join(local, 'MLmodel'), 'flavors: {}\n')
  writeFileSync(join(local, 'vigia', 'model.json'), '{"kind":"tree_ensemble"}')
  await tracker.logArtifact(run.id, local, 'model')
  return run.id
}
