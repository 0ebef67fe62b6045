import { existsSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mountSmallDisk, type SmallDisk } from '../../test/small-disk.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { ServedModel } from '../decisions/inference-pipeline.ts'
import { lookJob } from './look-job.ts'
import { lookRoomNow } from './look-room.ts'

const MEBIBYTE = 1 << 20

let folder: string
let disk: SmallDisk | undefined
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  disk = mountSmallDisk(join(folder, 'disk'), 48 << 10)
})
afterEach(() => {
  disk?.unmount()
  remove()
})

const SETTINGS = [
  'monitoring.path=disk/monitoring',
  'prediction_log.path=disk/log',
  'monitoring.keep_free=12',
  'state_store.cache_size=16',
]
const settingsOf = () =>
  loadServingConfig({ environment: {}, assignments: SETTINGS, workingDirectory: folder }).settings
const freeMiB = (): number => {
  const { bavail, bsize } = statfsSync(join(folder, 'disk'))
  return (bavail * bsize) / MEBIBYTE
}

describe('room on the disk that the log of the server is on', () => {
  test('is counted without what must stay for the log, and without what a look makes of the log', async (context) => {
    if (disk === undefined) return context.skip('no small disk can be mounted here')
    mkdirSync(join(folder, 'disk/log/decisions/day=1'), { recursive: true })
    writeFileSync(join(folder, 'disk/log/0001.log'), new Uint8Array(4 * MEBIBYTE))
    writeFileSync(join(folder, 'disk/log/decisions/day=1/1.parquet'), new Uint8Array(3 * MEBIBYTE))
    const { spillBytes } = await lookRoomNow(settingsOf())
    expect(spillBytes / MEBIBYTE).toBeCloseTo(freeMiB() - 12 - 4 - 16, 1)
    disk.fill()
    await expect(lookRoomNow(settingsOf())).rejects.toMatchObject({ code: 'MONITORING_DISK_SHORT' })
  })

  test('a look that fills all that it may leaves the log its room, and nothing behind', async (context) => {
    if (disk === undefined) return context.skip('no small disk can be mounted here')
    const settings = settingsOf()
    let workOfLook = ''
    const job = lookJob({
      settings,
      environment: {},
      workingDirectory: folder,
      world: { now: () => 0 },
      openAlerts: () => Promise.reject(new Error('not asked for')),
      server: { models: () => [{ role: 'champion', source: 'model' } as ServedModel], warn: () => undefined },
      roomNow: () => lookRoomNow(settings),
      takeLook: async ({ workFolder, room }) => {
        workOfLook = workFolder
        mkdirSync(workFolder, { recursive: true })
        writeFileSync(join(workFolder, 'sorted'), new Uint8Array(room.spillBytes))
        mkdirSync(join(folder, 'disk/log'))
        // The server goes on meanwhile.
        writeFileSync(join(folder, 'disk/log/0001.log'), new Uint8Array(12 * MEBIBYTE))
        throw new Error('no space left')
      },
      track: () => Promise.reject(new Error('not asked for')),
    })
    await expect(job.run(0, new AbortController().signal)).rejects.toThrow('no space left')
    expect([workOfLook !== '', existsSync(workOfLook), freeMiB() > 30]).toEqual([true, false, true])
  })
})
