import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { mountSmallDisk, type SmallDisk } from '../../../test/small-disk.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { LogPlace } from '../../testing/prediction-log/log-law.ts'
import { predictionLogLaws } from '../../testing/prediction-log-laws.ts'
import { openLogReader } from './segment-files.ts'
import { openSegmentLog, type SegmentLogOptions } from './segment-log.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-segments-'))
/** Without one, the tests of full disks are skipped. */
const smallDisk = mountSmallDisk(join(root, 'disk'), 32 << 10)
afterAll(() => {
  smallDisk?.unmount()
  rmSync(root, { recursive: true, force: true })
})

let places = 0

for (const durability of ['process', 'power'] as const) {
  holdToLaws(`the segment log with durability ${durability}`, predictionLogLaws, {
    create: async () => {
      const folder = join(root, smallDisk === undefined ? '' : 'disk', `log-${places++}`)
      return { ...(smallDisk && { disk: diskOf(smallDisk) }), ...placeOf(folder, { durability }) }
    },
    ...(smallDisk === undefined && { noFullDisk: 'no small disk can be mounted here' }),
  })
  holdToLaws(`the segment log with a segment a write, durability ${durability}`, predictionLogLaws, {
    create: async () => placeOf(join(root, `log-${places++}`), { durability, segmentBytes: 1 }),
    noFullDisk: 'with segments of the usual size it is seen',
  })
}

describe('segments', () => {
  test('a segment that has so many bytes is ended; names sort as the numbers of their first records', async () => {
    const folder = join(root, 'sizes')
    const log = await open(folder, { segmentBytes: 2500 })
    for (let sequence = 8; sequence <= 14; sequence++) await log.append(sequence, new Uint8Array(1000))
    await log.close()
    expect(readdirSync(join(folder, 'segments')).sort()).toEqual([
      '000000000008.log',
      '000000000011.log',
      '000000000014.log',
    ])
  })

  test('numbers of more than twelve digits come after the others', async () => {
    const folder = join(root, 'digits')
    let log = await open(folder, { segmentBytes: 1 })
    for (const sequence of [1, 2e11, 1e12, 3e12]) await log.append(sequence, new Uint8Array(10))
    await log.close()
    log = await open(folder)
    expect(log.lastSequence).toBe(3e12)
    const sequences: number[] = []
    for await (const { sequence } of log.read(1)) sequences.push(sequence)
    expect(sequences).toEqual([2e11, 1e12, 3e12])
    await log.close()
  })

  test('a segment that cannot be made fails the write, and the next one makes it', async () => {
    const folder = join(root, 'gone')
    const log = await open(folder, { segmentBytes: 1 })
    await log.append(1, new Uint8Array(10))
    renameSync(join(folder, 'segments'), join(folder, 'away'))
    await expect(log.append(2, new Uint8Array(10))).rejects.toMatchObject({
      code: 'SERVING_LOG_FAILED',
      message: expect.stringContaining('ENOENT'),
    })
    renameSync(join(folder, 'away'), join(folder, 'segments'))
    log.resume()
    await log.append(2, new Uint8Array(10))
    await log.close()
    expect(await sequencesIn(folder)).toEqual([1, 2])
  })

  test('a record that is too large to be read again is not taken', async () => {
    const log = await open(join(root, 'large'))
    expect(() => log.append(1, new Uint8Array((64 << 20) + 1))).toThrow('67108864 are allowed')
    await log.append(1, new Uint8Array(10))
    await log.close()
  })

  test('a folder where the log cannot be is told with a code', async () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    await expect(open(file)).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
    mkdirSync(join(root, 'blocked'))
    writeFileSync(join(root, 'blocked', 'segments'), '')
    await expect(open(join(root, 'blocked'))).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
  })

  test('a document that cannot be put in its place leaves no draft', async () => {
    const folder = join(root, 'drafts')
    const log = await open(folder)
    mkdirSync(join(folder, 'documents', 'origin.json', 'in the way'), { recursive: true })
    await expect(log.writeDocument('origin', 'text')).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
    expect(readdirSync(join(folder, 'documents'))).toEqual(['origin.json'])
    await log.close()
  })

  test('one process writes: another one that lives is named', async () => {
    const folder = join(root, 'owned')
    const log = await open(folder)
    const second = openSegmentLog({ ...DEFAULTS, folder, owner: { ...owner(), isAlive: () => true } })
    await expect(second).rejects.toMatchObject({
      code: 'SERVING_FOLDER_IN_USE',
      details: expect.objectContaining({ host: 'here' }),
    })
    await log.close()
    const next = await openSegmentLog({ ...DEFAULTS, folder, owner: { ...owner(), isAlive: () => true } })
    await next.close()
  })
})

/** A disk that is full to the last byte, as long as a file fills it. */
const diskOf = ({ fill, free }: SmallDisk): NonNullable<LogPlace['disk']> => ({
  // Room for some records, so that a write is cut in the middle.
  fill: () => fill(4),
  free,
})

const placeOf = (folder: string, options: Partial<SegmentLogOptions>): LogPlace => ({
  open: () => open(folder, options),
  reader: () => openLogReader(folder),
})

let nextProcess = 1_000_000_000

const owner = (): SegmentLogOptions['owner'] => ({
  processId: nextProcess++,
  host: 'here',
  processSpace: 'test',
  isAlive: () => false,
})

const DEFAULTS = { durability: 'process', segmentBytes: 1 << 20 } as const

/** As a new process; whoever had the folder before is dead. */
const open = (folder: string, options: Partial<SegmentLogOptions> = {}): Promise<PredictionLog> =>
  openSegmentLog({ ...DEFAULTS, folder, owner: owner(), ...options })

const sequencesIn = async (folder: string): Promise<number[]> => {
  const sequences: number[] = []
  for await (const { sequence } of openLogReader(folder).read(0)) sequences.push(sequence)
  return sequences
}
