import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { build, logFolder, NEW, OLD, openBranched, WORK } from '../branches/branches.test-kit.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { layoutFolder, layoutName } from '../decisions/log/log-layouts.ts'
import { verifyLog } from './verify-log.ts'

const UNDER = `branches/${layoutName(NEW.layoutKey)}`

let folder: string
let remove: () => void
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  const { pipeline, branches, send } = await openBranched(folder, OLD)
  await send(30)
  await build(folder, NEW)
  await branches.adopt(NEW)
  await send(10)
  await pipeline.close()
})
afterEach(() => remove())

const verify = () =>
  verifyLog({
    folder: logFolder(folder),
    log: openLogReader(logFolder(folder)),
    workFolder: folder,
    work: WORK,
  })
const snapshots = () => join(layoutFolder(logFolder(folder), NEW.layoutKey), 'snapshots')

describe('a log beside which another layout has states', () => {
  test('is whole with the snapshot that they began with', async () => {
    expect(await verify()).toMatchObject({ isWhole: true, snapshots: 1 })
  })

  test('is not whole when a byte of it is another', async () => {
    appendFileSync(join(snapshots(), '000000000040', 'user.states'), 'x')
    expect(await verify()).toMatchObject({
      isWhole: false,
      snapshots: 0,
      problems: [
        {
          file: `${UNDER}/snapshots/000000000040/user.states`,
          reason: expect.stringContaining('was written with'),
        },
      ],
    })
  })

  test('misses it', async () => {
    rmSync(join(logFolder(folder), 'branches'), { recursive: true })
    expect(await verify()).toMatchObject({
      isWhole: false,
      problems: [
        {
          file: `${UNDER}/snapshots/000000000040`,
          reason: 'it is missing, and states of this layout began with it',
        },
      ],
    })
  })

  test('knows one of yet another layout in its place', async () => {
    const other = layoutFolder(logFolder(folder), 'f'.repeat(64))
    mkdirSync(other, { recursive: true })
    cpSync(snapshots(), join(other, 'snapshots'), { recursive: true })
    expect((await verify()).problems).toEqual([
      {
        file: `branches/${'f'.repeat(16)}/snapshots/000000000040/snapshot.json`,
        reason: `it is of the layout ${layoutName(NEW.layoutKey)}`,
      },
    ])
  })

  test('says so of a document that cannot be read, and goes on', async () => {
    const document = join(logFolder(folder), 'documents', 'layouts.json')
    renameSync(join(snapshots(), '000000000040'), join(snapshots(), '000000000041'))
    appendFileSync(document, '}')
    expect((await verify()).problems.map(({ file }) => file)).toEqual([
      'documents/layouts.json',
      `${UNDER}/snapshots/000000000041/snapshot.json`,
    ])
  })
})
