import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refuses, same, sameBytes } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law } from './tracker-law.ts'

/** Of files that belong to a run. */
export const artifactLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(
    8,
    'artifacts come back byte for byte, with their sizes, in folders',
    async ({ tracker, other, startRun, fileWith, folder }) => {
      const { id } = await startRun()
      const large = Uint8Array.from({ length: 5_000_000 }, (_, i) => (i * 31) % 251)
      await tracker.logArtifact(id, fileWith('large', large), 'data/größe 1.bin')
      await tracker.logArtifact(id, fileWith('empty', ''), 'data/empty.txt')
      await tracker.logArtifact(id, fileWith('top', 'top'), 'top.txt')
      same(await other.listArtifacts(id), [
        { path: 'data', isFolder: true },
        { path: 'top.txt', isFolder: false, size: 3 },
      ])
      same(await other.listArtifacts(id, 'data'), [
        { path: 'data/empty.txt', isFolder: false, size: 0 },
        { path: 'data/größe 1.bin', isFolder: false, size: 5_000_000 },
      ])
      same(await other.listArtifacts(id, 'nothing'), [])
      const back = join(folder, randomUUID())
      await other.downloadArtifact(id, 'data/größe 1.bin', back)
      sameBytes(readFileSync(back), large)
    },
  ),
  law(
    8,
    'a folder is copied with all it holds, there and back',
    async ({ tracker, other, startRun, folder }) => {
      const { id } = await startRun()
      const local = join(folder, randomUUID())
      mkdirSync(join(local, 'deep', 'er'), { recursive: true })
      writeFileSync(join(local, 'MLmodel'), 'flavors:')
      writeFileSync(join(local, 'deep', 'er', 'x.json'), '{}')
      await tracker.logArtifact(id, local, 'model')
      const back = join(folder, randomUUID())
      await other.downloadArtifact(id, 'model', back)
      same(readFileSync(join(back, 'MLmodel'), 'utf8'), 'flavors:')
      same(readFileSync(join(back, 'deep', 'er', 'x.json'), 'utf8'), '{}')
    },
  ),
  law(
    10,
    'a folder with an MLmodel is one logged model of its run, whose files come back',
    async ({ tracker, other, startRun, fileWith, folder }) => {
      const { id } = await startRun()
      const local = join(folder, randomUUID())
      mkdirSync(join(local, 'code'), { recursive: true })
      writeFileSync(join(local, 'MLmodel'), 'flavors:')
      writeFileSync(join(local, 'code', 'x.py'), 'pass')
      await tracker.logArtifact(id, fileWith('plain', 'flavors:'), 'reports/MLmodel')
      same(await other.listLoggedModels(id), [])
      await tracker.logArtifact(id, local, 'models/champion')
      await tracker.logArtifact(id, local, 'models/champion')
      const [model, ...others] = await other.listLoggedModels(id)
      same([model?.name, others], ['champion', []])
      same(await other.listLoggedModels((await startRun()).id), [])
      const back = join(folder, randomUUID())
      await other.downloadLoggedModel(model!.id, back)
      same(readFileSync(join(back, 'MLmodel'), 'utf8'), 'flavors:')
      same(readFileSync(join(back, 'code', 'x.py'), 'utf8'), 'pass')
      const unknown = `m-${'0'.repeat(31)}1`
      await refuses(other.downloadLoggedModel(unknown, join(folder, randomUUID())), 'TRACKING_NOT_FOUND')
    },
  ),
  law(5, 'the later artifact replaces the earlier', async ({ tracker, other, startRun, fileWith }) => {
    const { id } = await startRun()
    await tracker.logArtifact(id, fileWith('a', 'first version'), 'report.html')
    await other.logArtifact(id, fileWith('b', 'second'), 'report.html')
    same(await tracker.listArtifacts(id), [{ path: 'report.html', isFolder: false, size: 6 }])
  }),
  law(
    9,
    'an artifact that is not there is said so, and a path out of the run is refused',
    async ({ tracker, startRun, fileWith, folder }) => {
      const { id } = await startRun()
      const to = join(folder, randomUUID())
      await refuses(tracker.downloadArtifact(id, 'none.txt', to), 'TRACKING_NOT_FOUND')
      await refuses(tracker.logArtifact(id, fileWith('c', 'c'), '../out.txt'), 'TRACKING_NAME_INVALID')
    },
  ),
]
