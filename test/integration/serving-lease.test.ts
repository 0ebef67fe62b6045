import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { decodeLogEntry } from '../../src/decisions/log/log-record.ts'
import { eventually } from '../eventually.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import {
  killVigiaServers,
  runVigia,
  spawnVigiaServer,
  startVigiaServer,
  type VigiaServer,
} from './vigia-server.ts'

/*
 * Which server has the folders, with real processes: hosts and containers are namespaces of Linux.
 */

const UNSHARE = ['unshare', '--map-root-user', '--uts']
const namespaced = (words: readonly string[], name: string, script = 'exec "$@"'): string[] => [
  ...UNSHARE,
  ...words,
  'sh',
  '-c',
  `hostname ${name}; ${script}`,
  'sh',
]
/** Another host name, and nothing else that is its own. */
const onHost = (name: string) => ({ within: namespaced([], name) })
/** A container: process 1 of its own process space, under a host name. It is killed with its starter. */
const inContainer = (name: string) => ({
  within: namespaced(['--pid', '--fork', '--kill-child', '--mount-proc'], name),
})
const hasNamespaces =
  spawnSync(inContainer('x').within[0]!, [...inContainer('x').within.slice(1), 'true']).status === 0

let model: string
beforeAll(async () => {
  model = await trainSmallModel()
})
const root = mkdtempSync(join(tmpdir(), 'vigia-lease-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe.runIf(hasNamespaces)('two servers, one volume', () => {
  test('containers with one host name and process 1: the second is refused while the first one lives', async () => {
    const { folder, settings } = place()
    const first = await startVigiaServer(folder, settings, inContainer('vigia'))
    expect(await decide(first, 1)).toBe(200)
    const second = spawnVigiaServer(folder, settings, inContainer('vigia')).listening
    await expect(second).rejects.toThrow(/SERVING_FOLDER_IN_USE.*process 1 on vigia/s)
    expect(await decide(first, 2)).toBe(200)
    await first.kill()
    await expectLog(folder, ['small-1', 'small-2'])
  })

  test('after kill -9 a replacement with another host name starts by itself, in twelve seconds and its own start', async () => {
    const { folder, settings } = place()
    const first = await startVigiaServer(folder, settings, inContainer('vigia-7f'))
    expect(await decide(first, 1)).toBe(200)
    await first.kill()
    const second = await startVigiaServer(folder, settings, inContainer('vigia-8a'))
    expect(second.output()).toMatch(/waiting +for .*process 1 on vigia-7f holds it and is silent; after 11 s/)
    expect(await decide(second, 1)).toBe(200)
    expect(await decide(second, 2)).toBe(200)
    await second.kill()
    await expectLog(folder, ['small-1', 'small-2'])
  })

  test('a server that stands still is taken over; when it goes on it decides on nothing, says so, and ends', async () => {
    const { folder, settings } = place()
    const first = await startVigiaServer(folder, settings, onHost('one'))
    for (let n = 1; n <= 20; n++) expect(await decide(first, n)).toBe(200)
    // In the middle of a write it would keep the lock of LMDB: src/adapters/lmdb/earlier-writer.test.ts.
    await eventually(async () => expect(await unsavedStates(first)).toBe(0))
    first.freeze()
    // These wait in its sockets, and are read when it goes on.
    const waiting = Array.from({ length: 8 }, (_, n) => decide(first, 100 + n))
    const second = await startVigiaServer(folder, settings, onHost('other'))
    for (let n = 15; n <= 40; n++) expect(await decide(second, n)).toBe(200)
    first.thaw()
    for (const status of await Promise.all(waiting)) expect(status).not.toBe(200)
    expect(await first.ended).toBe(2)
    expect(first.output()).toMatch(/SERVING_LEASE_LOST.*process \d+ on other has the lock/s)
    for (let n = 41; n <= 60; n++) expect(await decide(second, n)).toBe(200)
    await second.kill()
    const third = await startVigiaServer(folder, settings, onHost('other'))
    expect(await decide(third, 61)).toBe(200)
    expect(await third.stop()).toBe(0)
    await expectLog(
      folder,
      Array.from({ length: 61 }, (_, n) => `small-${n + 1}`),
    )
  })
})

test('after kill -9 a server of this machine starts at once', async () => {
  const { folder, settings } = place()
  const first = await startVigiaServer(folder, settings)
  expect(await decide(first, 1)).toBe(200)
  await first.kill()
  const second = await startVigiaServer(folder, settings)
  expect(second.output()).not.toContain('waiting')
  expect(await decide(second, 2)).toBe(200)
  expect(await second.stop()).toBe(0)
  await expectLog(folder, ['small-1', 'small-2'])
})

test('a server that stood still while nobody wanted its folders goes on', async () => {
  const { folder, settings } = place()
  const server = await startVigiaServer(folder, settings)
  expect(await decide(server, 1)).toBe(200)
  server.freeze()
  const waiting = decide(server, 2)
  // Longer than its lease: how long a process stands still is what this is about.
  await new Promise((resolve) => setTimeout(resolve, 12_000))
  server.thaw()
  expect(await waiting).toBe(200)
  expect(await server.stop()).toBe(0)
  await expectLog(folder, ['small-1', 'small-2'])
})

const place = (): { readonly folder: string; readonly settings: readonly string[] } => ({
  folder: mkdtempSync(join(root, 'volume-')),
  settings: [`model.source=${model}`],
})

/** The status of the answer; 0 when the connection was closed instead. */
const decide = async ({ port }: VigiaServer, n: number): Promise<number> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(smallTransaction(n)),
    })
    await response.text()
    return response.status
  } catch {
    return 0
  }
}

const unsavedStates = async ({ port }: VigiaServer): Promise<number> => {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^vigia_store_unsaved_states (\d+)$/m.exec(page)?.[1])
}

/** The log has decisions on these, in this order, and each feature comes out again. */
const expectLog = async (folder: string, ids: readonly string[]): Promise<void> => {
  const log = join(folder, '.vigia', 'log')
  const found: string[] = []
  for await (const { payload } of openLogReader(log).read(0)) {
    const entry = decodeLogEntry(payload)
    if (entry?.kind === 'decision') found.push(entry.decision.transaction.transactionId)
  }
  expect(found).toEqual(ids)
  const { status, stdout, stderr } = await runVigia(folder, ['parity', '--log', log])
  expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 })
}
