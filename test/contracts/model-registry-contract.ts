import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ModelRegistry } from '../../src/ports/model-registry.ts'
import type { TrackingStore } from '../../src/ports/tracking-store.ts'

/**
 * The laws of `ModelRegistry`, run over an implementation. `open` gives a handle on the same store each time.
 */
export const modelRegistryContract = (name: string, open: () => Promise<TrackingStore>): void => {
  describe(`${name} keeps the laws of a model registry`, () => {
    let store: TrackingStore
    let registry: ModelRegistry
    let other: ModelRegistry
    let others: TrackingStore
    let runId: string
    const folder = mkdtempSync(join(tmpdir(), 'vigia-registry-'))
    beforeAll(async () => {
      store = await open()
      others = await open()
      registry = store.registry
      other = others.registry
      const { id } = await store.tracker.createExperiment(unique('models'))
      const run = await store.tracker.createRun({
        experimentId: id,
        name: 'run',
        startTimeMs: 1_790_000_000_000,
      })
      runId = run.id
      const local = join(folder, 'model')
      mkdirSync(join(local, 'vigia'), { recursive: true })
      writeFileSync(join(local, 'MLmodel'), 'flavors: {}\n')
      writeFileSync(join(local, 'vigia', 'model.json'), '{"kind":"tree_ensemble"}')
      await store.tracker.logArtifact(runId, local, 'model')
    })
    afterAll(async () => {
      await store.tracker.close()
      await others.tracker.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const newVersion = (name: string, tags = {}) =>
      registry.createVersion({ name, runId, artifactPath: 'model', description: 'of a test', tags })

    test('a model is made once, and found by every process', async () => {
      const name = unique('détecteur')
      expect(await other.findModel(name)).toBeUndefined()
      await registry.ensureModel(name, 'finds fraud')
      await other.ensureModel(name, 'something else')
      expect(await other.findModel(name)).toEqual({ name, description: 'finds fraud', tags: {}, aliases: {} })
    })

    test('ten who make one model at once all find it', async () => {
      const name = unique('contested')
      const made = await Promise.all(tenOf((i) => (i % 2 ? registry : other).ensureModel(name, 'd')))
      expect(new Set(made.map((model) => model.name))).toEqual(new Set([name]))
    })

    test('models are listed', async () => {
      const names = [unique('first'), unique('second')]
      for (const name of names) await registry.ensureModel(name, '')
      const listed: string[] = []
      let page: string | undefined
      do {
        const answer = await other.listModels(page)
        listed.push(...answer.items.map(({ name }) => name))
        page = answer.nextPage
      } while (page !== undefined)
      expect(listed).toEqual(expect.arrayContaining(names))
      expect(new Set(listed).size).toBe(listed.length)
    })

    test('versions are numbered from 1, and carry their run, description and tags', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      const first = await newVersion(name, { 'vigia.metric/test': '0.7' })
      expect([first.version, first.runId, first.description]).toEqual([1, runId, 'of a test'])
      expect((await newVersion(name)).version).toBe(2)
      const read = await other.findVersion(name, 1)
      expect(read).toMatchObject({ name, version: 1, runId, description: 'of a test', aliases: [] })
      expect(read?.tags['vigia.metric/test']).toBe('0.7')
      expect(await other.findVersion(name, 3)).toBeUndefined()
      expect((await other.listVersions(name)).items.map(({ version }) => version)).toEqual([2, 1])
    })

    test('of ten versions that are made at once, each has its number', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      const made = await Promise.all(
        tenOf((i) => (i % 2 ? registry : other).createVersion({ name, runId, artifactPath: 'model' })),
      )
      expect(made.map(({ version }) => version).sort((a, b) => a - b)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
      ])
    })

    test('a version of a model or a run that is not there is refused', async () => {
      await expect(newVersion(unique('none'))).rejects.toMatchObject({ code: 'TRACKING_NOT_FOUND' })
      const name = unique('m')
      await registry.ensureModel(name, '')
      await expect(
        registry.createVersion({ name, runId: '0'.repeat(32), artifactPath: 'model' }),
      ).rejects.toMatchObject({ code: 'TRACKING_NOT_FOUND' })
    })

    test('an alias names one version, is moved, and removed', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      await newVersion(name)
      await registry.setAlias(name, 'staging', 1)
      await registry.setAlias(name, 'production', 1)
      expect((await other.findVersion(name, 1))?.aliases).toEqual(['production', 'staging'])
      await registry.setAlias(name, 'production', 2)
      expect((await other.findModel(name))?.aliases).toEqual({ production: 2, staging: 1 })
      expect((await other.findVersion(name, 2))?.aliases).toEqual(['production'])
      await registry.deleteAlias(name, 'staging')
      await registry.deleteAlias(name, 'staging')
      expect((await other.findModel(name))?.aliases).toEqual({ production: 2 })
    })

    test('law: while an alias is moved to and fro it is never gone', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      await newVersion(name)
      await registry.setAlias(name, 'production', 1)
      let moving = true
      const moves = (async () => {
        for (let i = 0; i < 20; i++) await registry.setAlias(name, 'production', 1 + (i % 2))
        moving = false
      })()
      while (moving) expect([1, 2]).toContain((await other.findModel(name))?.aliases['production'])
      await moves
    })

    test.each(['latest', 'v3', 'with space', 'a/b', ''])('the alias %j is refused', async (alias) => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      await expect(registry.setAlias(name, alias, 1)).rejects.toMatchObject({ code: 'TRACKING_NAME_INVALID' })
    })

    test('an alias of a version that is not there is refused', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await expect(registry.setAlias(name, 'production', 7)).rejects.toMatchObject({
        code: 'TRACKING_NOT_FOUND',
      })
    })

    test('tags of a version are added and replaced', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name, { first: '1' })
      await other.tagVersion(name, 1, { first: 'uno', second: '2' })
      const tags = (await registry.findVersion(name, 1))?.tags
      expect([tags?.['first'], tags?.['second']]).toEqual(['uno', '2'])
    })

    test('the files of a version are those of its run, byte for byte', async () => {
      const name = unique('m')
      await registry.ensureModel(name, '')
      await newVersion(name)
      const back = join(folder, randomUUID())
      await other.downloadVersion(name, 1, back)
      expect(readFileSync(join(back, 'MLmodel'), 'utf8')).toBe('flavors: {}\n')
      expect(readFileSync(join(back, 'vigia', 'model.json'), 'utf8')).toBe('{"kind":"tree_ensemble"}')
    })

    test.each(['', 'a/b', 'a:b', 'x'.repeat(251)])('the name %j is refused', async (name) => {
      await expect(registry.ensureModel(name, '')).rejects.toMatchObject({ code: 'TRACKING_NAME_INVALID' })
    })
  })
}

const unique = (name: string): string => `${name} ${randomUUID()}`

const tenOf = <T>(make: (i: number) => T): T[] => Array.from({ length: 10 }, (_, i) => make(i))
