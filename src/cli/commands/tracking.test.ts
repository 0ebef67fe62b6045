import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unwatched } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { openJournal } from '../../tracking/journal.ts'
import { createMemoryTrackingStore } from '../../tracking/memory-tracking-store.test-kit.ts'
import { trackingCommand } from './tracking.ts'

describe('vigia tracking', () => {
  test('status tells what waits without asking a server, and exit code 1 says that something does', async () => {
    await recordRun('bank', 'key-1')
    expect(await vigia(['status'], refuseAll)).toEqual([
      1,
      [
        'waiting    runs/bank  FINISHED  started 1970-01-01T00:00:01.000Z',
        '           experiment bank',
        '           4 of 4 operations wait',
        '',
      ].join('\n'),
    ])
  })

  test('push sends all runs below the folder of runs, and says where they are', async () => {
    await recordRun('bank', 'key-1')
    await recordRun('other/bank', 'key-2')
    const store = createMemoryTrackingStore()
    const [code, text] = await vigia(['push'], store)
    expect(code).toBe(0)
    expect(text).toMatch(/delivered {2}runs\/bank .*\n +experiment bank, run 0+2 in memory\n/)
    expect(text).toMatch(/delivered {2}runs\/other\/bank/)
    expect(await store.content()).toMatchObject({ runs: [{ status: 'FINISHED' }, { status: 'FINISHED' }] })
    expect((await vigia(['status'], refuseAll))[0]).toBe(0)
  })

  test('push of one run leaves the others', async () => {
    await recordRun('bank', 'key-1')
    await recordRun('other', 'key-2')
    const store = createMemoryTrackingStore()
    await vigia(['push'], store, { run: 'runs/other' })
    expect(await store.content()).toMatchObject({ runs: [{ tags: { 'vigia.run_key': 'key-2' } }] })
  })

  test('push tells why it ended, and what to do', async () => {
    await recordRun('bank', 'key-1')
    const [code, text] = await vigia(
      ['push'],
      createMemoryTrackingStore(() => 'before'),
    )
    expect(code).toBe(1)
    expect(text).toContain('memory cannot be reached: told to fail')
    expect(text).toContain('Next step: Start the server')
  })

  test('as JSON there is a document, with codes', async () => {
    await recordRun('bank', 'key-1')
    const [, text] = await vigia(
      ['push'],
      createMemoryTrackingStore(() => 'before'),
      {},
      true,
    )
    expect(JSON.parse(text)).toMatchObject({
      runs: [{ runKey: 'key-1', waiting: 4, stoppedBy: { code: 'TRACKING_UNREACHABLE' } }],
    })
  })

  test('without any run there is nothing to do', async () => {
    expect(await vigia(['push'], createMemoryTrackingStore())).toEqual([
      0,
      'No run has recorded anything here.\n',
    ])
  })
})

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vigia-tracking-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const recordRun = async (name: string, runKey: string): Promise<void> => {
  const journal = await openJournal(join(root, 'runs', name, 'tracking', runKey))
  await journal.append(
    { op: 'begin', schema: 1, runKey, experiment: 'bank', settings: '' },
    { op: 'run', run: 'run', name: 'first', startTimeMs: 1000, tags: {} },
    { op: 'entries', run: 'run', params: { a: '1' } },
    { op: 'note', step: 'read', content: 'x' },
    { op: 'status', run: 'run', status: 'FINISHED', endTimeMs: 2000 },
  )
}

const refuseAll = createMemoryTrackingStore(() => {
  throw new VigiaError('INTERNAL', { reason: 'nobody is to be asked' })
})

const vigia = async (
  words: readonly string[],
  store: TrackingStore,
  options: Readonly<Record<string, string>> = {},
  json = false,
): Promise<readonly [number, string]> => {
  let text = ''
  const output = {
    isTerminal: false,
    columns: 80,
    write: (more: string) => {
      text += more
    },
  }
  const code = await trackingCommand({
    world: { now: () => 0 },
    owner: { processId: 1, host: 'here', isAlive: () => false },
    openTrackingStore: () => store,
  }).run(
    {
      stdout: output,
      stderr: output,
      environment: {},
      workingDirectory: root,
      work: unwatched(),
      json,
      useColor: false,
    },
    { arguments: words, options },
  )
  return [code, text]
}
