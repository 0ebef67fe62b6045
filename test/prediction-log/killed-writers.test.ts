import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-killed-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const ROUNDS = 4

test.for(['process', 'power'] as const)(
  'durability %s: a writer is killed again and again, and every acknowledged record is read, in order, once',
  async (durability) => {
    const folder = join(root, durability)
    let acknowledged = 0
    for (let round = 0; round < ROUNDS; round++) {
      const last = await appendUntilKilled(folder, durability, Math.ceil(Math.random() * 1000))
      // Otherwise the writer began anew.
      expect(last).toBeGreaterThan(acknowledged)
      acknowledged = last
      let read = 0
      for await (const { sequence, payload } of openLogReader(folder).read(0)) {
        expect(sequence).toBe(++read)
        expect(Buffer.from(payload).toString()).toBe(`${sequence} `.repeat(1 + (sequence % 300)))
      }
      expect(read).toBeGreaterThanOrEqual(acknowledged)
    }
  },
)

/** Kills a writer when it has told of `records` records. @returns the last one that it told of */
const appendUntilKilled = async (folder: string, durability: string, records: number): Promise<number> => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/prediction-log/append-forever.ts', folder, durability],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk
    lines += chunk.filter((byte) => byte === 10).length
    if (lines >= records) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  expect(signal).toBe('SIGKILL')
  const told = text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number)
  return Math.max(...told)
}
