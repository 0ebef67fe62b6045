import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { createModelControl } from '../decisions/model-control.ts'
import { branchFolder } from './branch-folders.ts'
import {
  type BranchedService,
  build,
  NEW,
  OLD,
  openBranched,
  parityOf,
  stateFolder,
} from './branches.test-kit.ts'

let folder: string
let remove: () => void
let service: BranchedService
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  service = await openBranched(folder, OLD)
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

const use = (champion: typeof OLD) => service.pipeline.useModels({ champion })

describe('a branch of another layout', () => {
  test('decides when its model is switched to, and parity finds no difference', async () => {
    await service.send(60)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.send(40)
    await use(NEW)
    expect(service.pipeline.models[0]).toMatchObject({ name: 'new' })
    await service.send(50)
    await use(OLD)
    await service.send(30)
    await use(NEW)
    await service.send(20)
    expect(service.warnings).toEqual([])
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({
      old: { rows: 130, differing: 0, missing: 0, extra: 0, unchecked: 0 },
      new: { rows: 70, differing: 0, missing: 0, extra: 0, unchecked: 0 },
    })
  })
})
void existsSync
void createModelControl
void branchFolder
void stateFolder
