import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type SimulatedProcess, SimulatedProcesses } from '../../disk/simulated-processes.test-kit.ts'
import type { Durability, PredictionLog } from '../../ports/prediction-log.ts'
import { openLogReader } from './segment-files.ts'
import { openSegmentLog } from './segment-log.ts'

/*
 * An owner that stands still, is taken over and wakes up: nothing of what it does then is in the log. What it
 * was in the middle of is played by the file system, which does something else before it writes.
 */

const disk = vi.hoisted(() => ({ beforeWrite: undefined as (() => Promise<void>) | undefined }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const { promisify } = await import('node:util')
  const write = (file: number, ...rest: unknown[]) => {
    const before = disk.beforeWrite
    disk.beforeWrite = undefined
    const go = () => (fs.write as unknown as (...all: unknown[]) => void)(file, ...rest)
    if (before === undefined) go()
    else void before().then(go)
  }
  Object.defineProperty(write, promisify.custom, {
    value: (file: number, bytes: Buffer, from: number, length: number, at: number) =>
      new Promise((resolve, reject) =>
        write(file, bytes, from, length, at, (error: unknown, bytesWritten: number) =>
          error ? reject(error) : resolve({ bytesWritten }),
        ),
      ),
  })
  return { ...fs, write }
})

beforeEach(() => {
  disk.beforeWrite = undefined
})

describe.each(['process', 'power'] as const)('with durability %s', (durability) => {
  const LOST = { code: 'SERVING_LEASE_LOST', status: 503 }

  test('an owner that was taken over appends nothing, and changes nothing', async () => {
    const { first, second, folder, losses } = await twoOwners(durability)
    const old = first.log
    await old.append(1, bytes('first 1'))
    await old.rotate()
    await old.append(2, bytes('first 2'))
    const now = await second()
    await now.append(3, bytes('second 3'))
    await expect(old.append(3, bytes('first 3'))).rejects.toMatchObject(LOST)
    expect(old.lastSequence).toBe(2)
    expect(() => old.resume()).toThrow(expect.objectContaining(LOST))
    await expect(old.rotate()).rejects.toMatchObject(LOST)
    await expect(old.remove(['000000000001.log'])).rejects.toMatchObject(LOST)
    await expect(old.writeDocument('origin', 'first')).rejects.toMatchObject(LOST)
    await old.close()
    await now.append(4, bytes('second 4'))
    expect(await textsIn(folder)).toEqual(['first 1', 'first 2', 'second 3', 'second 4'])
    expect(losses).toEqual([expect.objectContaining(LOST)])
    await now.close()
    // The same, as the next owner finds it.
    expect(readdirSync(folder).sort()).toEqual([expect.stringMatching(/^in-use-/), 'segments'])
  })

  test('what it archives late has the name of no segment that grows', async () => {
    const { first, second } = await twoOwners(durability)
    await first.log.append(1, bytes('first 1'))
    const [ended] = await first.log.rotate()
    const now = await second()
    const { segment } = await now.append(2, bytes('second 2'))
    expect(segment).not.toBe(ended)
    await now.close()
  })

  test('a log without records is taken over too, with the number that it goes on from', async () => {
    const { first, second, folder } = await twoOwners(durability)
    await first.log.append(7, bytes('gone'))
    await first.log.remove(await first.log.rotate())
    const now = await second()
    expect(now.lastSequence).toBe(7)
    await now.append(8, bytes('second 8'))
    await expect(first.log.append(8, bytes('first 8'))).rejects.toMatchObject(LOST)
    await first.log.close()
    expect(await textsIn(folder)).toEqual(['second 8'])
    await now.close()
  })

  test('an owner that stood still while nobody wanted the log goes on', async () => {
    const { first, world, folder } = await twoOwners(durability)
    await first.log.append(1, bytes('first 1'))
    await world.pass(60_000)
    await first.log.append(2, bytes('first 2'))
    await first.log.close()
    expect(await textsIn(folder)).toEqual(['first 1', 'first 2'])
  })
})

test('an owner that is taken over in the middle of a write has written where nobody reads, and is told', async () => {
  const { first, second, folder } = await twoOwners('power')
  await first.log.append(1, bytes('first 1'))
  let now: PredictionLog | undefined
  disk.beforeWrite = async () => {
    now = await second()
    await now.append(2, bytes('second 2'))
  }
  await expect(first.log.append(2, bytes('first 2'))).rejects.toMatchObject({ code: 'SERVING_LEASE_LOST' })
  expect(await textsIn(folder)).toEqual(['first 1', 'second 2'])
  await now!.append(3, bytes('second 3'))
  await first.log.close()
  await now!.close()
  expect(await textsIn(folder)).toEqual(['first 1', 'second 2', 'second 3'])
})

/** A log whose owner stands still from now on, and how another one takes it over. */
const twoOwners = async (durability: Durability) => {
  const folder = mkdtempSync(join(root, 'log-'))
  const world = new SimulatedProcesses()
  const losses: Error[] = []
  const open = ({ owner }: SimulatedProcess): Promise<PredictionLog> =>
    openSegmentLog({
      folder,
      owner,
      durability,
      segmentBytes: 1 << 20,
      onLost: (error) => losses.push(error),
    })
  const process = world.start({ processId: 1, processSpace: 'one container' })
  const log = await open(process)
  process.freeze()
  const second = () => open(world.start({ processId: 1, processSpace: 'another container' }))
  return { first: { process, log }, second, folder, world, losses }
}

const textsIn = async (folder: string): Promise<string[]> => {
  const texts: string[] = []
  for await (const { payload } of openLogReader(folder).read(0)) texts.push(Buffer.from(payload).toString())
  return texts
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

const root = mkdtempSync(join(tmpdir(), 'vigia-fence-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
