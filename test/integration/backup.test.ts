import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type BackupManifest, partKey } from '../../src/backup/backup-manifest.ts'
import { eventually } from '../eventually.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { BETWEEN_REQUESTS_MS } from './steady-load.ts'
import {
  killVigiaServers,
  runVigia,
  spawnVigiaServer,
  startVigiaServer,
  type VigiaServer,
} from './vigia-server.ts'

/*
 * Backups of a server that decides meanwhile, and what is restored from them, with real processes.
 */

/** What `vigia backup --json` says. */
interface Taken {
  readonly name: string
  readonly lastSequence: number
  readonly savedThrough: number
  readonly files: number
  readonly copiedParts: number
  readonly copiedBytes: number
  readonly keptBytes: number
}

let model: string
beforeAll(async () => {
  model = await trainSmallModel()
})
const root = mkdtempSync(join(tmpdir(), 'vigia-backup-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('a backup of a server under load', () => {
  test('has every decision up to its number: restored elsewhere they are answered byte for byte as before, and parity finds no difference', async () => {
    const { home, settings } = place('shop')
    const original = await startVigiaServer(home, settings)
    await decideOn(original, 1, 1000)
    await post(original, '/feedback', { transaction_id: 'small-7', is_fraud: true })
    await eventually(() => expect(parquetFiles(home).length).toBeGreaterThan(0))

    const load = startLoad(original, 1001)
    const first = await backUp(home)
    const written = partTimes('backups')
    const second = await backUp(home)
    const last = await load.stop()
    expect(first.lastSequence).toBeGreaterThanOrEqual(1001)
    expect(second.lastSequence).toBeGreaterThan(first.lastSequence)
    expect(last).toBeGreaterThan(1100)

    // Incremental: no part that was there was written again, and what is new is what it says.
    const parts = partTimes('backups')
    for (const [part, time] of written) expect(parts.get(part)).toBe(time)
    const added = [...parts.keys()].filter((part) => !written.has(part))
    expect(added).toHaveLength(second.copiedParts)
    expect(second.copiedBytes).toBe(added.reduce((sum, part) => sum + partBytes('backups', part), 0))
    expect(second.keptBytes).toBeGreaterThan(0)

    // The number of the record, which answers say, and what the original says of each.
    const before = await answersOf(original, last, second.lastSequence)
    expect(before.size).toBeGreaterThan(1000)
    const found = await foundOf(original, before)
    await original.kill()

    const restored = join(root, 'restored')
    const { status, stdout, stderr } = await runVigia(home, ['restore', '--from', BACKUPS, '--to', restored])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`the log up to record ${second.lastSequence}`)
    const verified = await runVigia(home, ['log', 'verify', '--log', join(restored, 'log'), '--json'])
    expect(JSON.parse(verified.stdout)).toMatchObject([{ isWhole: true, lastSequence: second.lastSequence }])

    const elsewhere = place('elsewhere')
    const copy = await startVigiaServer(elsewhere.home, [
      ...elsewhere.settings,
      `prediction_log.path=${join(restored, 'log')}`,
      `state_store.path=${join(restored, 'state')}`,
    ])
    expect(await foundOf(copy, before)).toEqual(found)
    for (const [n, answer] of before) expect(await ask(copy, n)).toBe(answer)

    // Both may go on: no id names two decisions.
    const again = await startVigiaServer(home, settings)
    const [ofOriginal, ofCopy] = [await ask(again, 900_000), await ask(copy, 900_000)].map(
      (text) => (JSON.parse(text) as { prediction_id: string }).prediction_id,
    )
    expect(ofOriginal).not.toBe(ofCopy)
    expect(ofCopy).toMatch(new RegExp(`-${second.lastSequence + 1}$`))
    expect((await fetch(`http://127.0.0.1:${copy.port}/predictions/${ofOriginal}`)).status).toBe(404)

    await copy.stop()
    const parity = await runVigia(home, ['parity', '--log', join(restored, 'log'), '--json'])
    const [report] = JSON.parse(parity.stdout) as [
      { report: { rows: number; missing: number; extra: number } },
    ]
    expect(report).toMatchObject({ report: { differing: [], missing: 0, extra: 0 } })
    expect(report.report.rows).toBeGreaterThan(1000)
    expect(parity.status).toBe(0)
  })

  test('copies nothing that has not changed, and what was interrupted leaves the earlier one good', async () => {
    const { home, settings } = place('quiet')
    const server = await startVigiaServer(home, settings)
    await decideOn(server, 1, 900)
    await server.stop()
    const first = await backUp(home, 'quiet-backups')
    const parts = partFiles('quiet-backups')
    const nothing = await backUp(home, 'quiet-backups')
    const { lastSequence } = first
    expect(nothing).toMatchObject({ copiedParts: 0, copiedBytes: 0, lastSequence })
    expect(nothing.keptBytes).toBe(first.keptBytes + first.copiedBytes)
    expect(partFiles('quiet-backups')).toEqual(parts)

    const next = await startVigiaServer(home, settings)
    await decideOn(next, 901, 950)
    await next.stop()
    await killedBackup(home, 'quiet-backups', parts.length)
    const [{ lastSequence: numbers }] = JSON.parse(
      (await runVigia(home, ['log', 'verify', '--json'])).stdout,
    ) as [{ lastSequence: number }]
    expect(numbers).toBeGreaterThanOrEqual(lastSequence + 50)
    const listed = await runVigia(home, ['backup', '--to', join(root, 'quiet-backups'), '--list', '--json'])
    expect(JSON.parse(listed.stdout)).toMatchObject([{ lastSequence }, { lastSequence }])
    const to = join(root, 'quiet-restored')
    const restored = await runVigia(home, ['restore', '--from', join(root, 'quiet-backups'), '--to', to])
    expect([restored.status, restored.stderr]).toEqual([0, ''])

    // What it had copied is there already; old backups go, and parts that are theirs alone.
    const kept = await runVigia(home, [
      'backup',
      '--to',
      join(root, 'quiet-backups'),
      '--keep',
      '1',
      '--verify',
      '--work',
      root,
      '--json',
    ])
    expect(JSON.parse(kept.stdout)).toMatchObject({
      lastSequence: numbers,
      removed: { backups: [first.name, nothing.name] },
    })
    // What the killed one had in its work folder is gone.
    expect(readdirSync(root).filter((name) => name.startsWith('vigia-backup-'))).toEqual([])
    expect(partFiles('quiet-backups').length).toBeLessThanOrEqual(parts.length + 2)
    const last = await runVigia(home, [
      'restore',
      '--from',
      join(root, 'quiet-backups'),
      '--to',
      `${to}-2`,
      '--json',
    ])
    expect(JSON.parse(last.stdout)).toMatchObject({ lastSequence: numbers })
  })

  test('a file of the log that is missing is told before the server is ready, and by verifying; what is accepted as lost is no hole', async () => {
    const { home, settings } = place('hole')
    const server = await startVigiaServer(home, settings)
    await decideOn(server, 1, 100)
    await post(server, '/save-logs', {})
    await server.stop()
    expect((await runVigia(home, ['log', 'verify'])).status).toBe(0)
    for (const path of parquetFiles(home)) rmSync(path)
    await expect(spawnVigiaServer(home, settings).listening).rejects.toThrow(
      /SERVING_LOG_GAPS: .*no file has 1-\d+ \(from the beginning/,
    )
    const verified = await runVigia(home, ['log', 'verify'])
    expect([verified.status, verified.stdout]).toEqual([1, expect.stringContaining('verdict    not whole')])
    const [, numbers = ''] = /no file has (1-\d+)/.exec(verified.stdout) ?? []
    // Never numbers that are still to be given, or would be missed in silence.
    const beyond = await runVigia(home, ['log', 'accept', `${numbers},999999`])
    expect([beyond.status, beyond.stderr]).toEqual([2, expect.stringContaining('999999 was never given')])
    const accepted = await runVigia(home, ['log', 'accept', numbers])
    expect([accepted.status, accepted.stderr]).toEqual([0, ''])
    const again = await startVigiaServer(home, settings)
    expect(await ask(again, 101)).toContain('"repeated":false')
    await again.stop()
    expect((await runVigia(home, ['log', 'verify'])).stdout).toContain(`known to be lost: ${numbers}`)
    const there = await runVigia(home, ['log', 'accept', String(Number(numbers.replace('1-', '')) + 1)])
    expect([there.status, there.stderr]).toEqual([2, expect.stringContaining('is not lost')])
  })

  test('an archive that goes further than log and states, as a power failure left it, comes back to both', async () => {
    const { home, settings } = place('power')
    const first = await startVigiaServer(home, settings)
    await decideOn(first, 1, 100)
    await first.stop()
    const kept = ['state', join('log', 'segments')].map((name) => join(home, '.vigia', name))
    for (const path of kept) cpSync(path, `${path}-of-before`, { recursive: true })
    const server = await startVigiaServer(home, settings)
    await decideOn(server, 101, 200)
    await post(server, '/save-logs', {})
    const answered = await ask(server, 150)
    await server.stop()
    for (const path of kept) {
      rmSync(path, { recursive: true })
      cpSync(`${path}-of-before`, path, { recursive: true })
    }
    await expect(spawnVigiaServer(home, settings).listening).rejects.toThrow(
      /SERVING_LOG_GAPS: .*its archive has numbers up to \d+, and it ends with \d+[\s\S]*vigia log recover/,
    )
    const behind = await runVigia(home, ['log', 'verify'])
    expect([behind.status, behind.stdout]).toEqual([
      1,
      expect.stringContaining('behind     the archive alone'),
    ])
    const recovered = await runVigia(home, ['log', 'recover'])
    expect([recovered.status, recovered.stderr]).toEqual([0, ''])
    expect(recovered.stdout).toMatch(/recovered {2}\d+-\d+\n/)
    const again = await startVigiaServer(home, settings)
    // Not decided a second time: as the first server answered its repetition.
    expect(await ask(again, 150)).toBe(answered)
    expect(await ask(again, 201)).toContain('"repeated":false')
    await again.stop()
    expect((await runVigia(home, ['log', 'verify'])).stdout).toContain('verdict    whole')
    const parity = await runVigia(home, ['parity', '--log', join(home, '.vigia', 'log'), '--json'])
    expect(parity.status).toBe(0)
    expect(parity.stdout).toContain('"rows": 201')
  })

  test('a byte that was changed in it is refused by the name of the file, and nothing is restored', async () => {
    const { home, settings } = place('damaged')
    const server = await startVigiaServer(home, settings)
    await decideOn(server, 1, 900)
    await backUp(home, 'damaged-backups')
    // Of what stays as it is: states of a running server may be others in the next backup.
    const [manifest = ''] = readdirSync(join(root, 'damaged-backups', 'backups'))
    const kept = readFileSync(join(root, 'damaged-backups', 'backups', manifest), 'utf8')
    const { files } = (JSON.parse(kept) as { readonly manifest: BackupManifest }).manifest
    const [hash = ''] = files.find(({ path, parts }) => path.startsWith('origin/') && parts.length > 0)!.parts
    const path = join(root, 'damaged-backups', partKey(hash))
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    const to = join(root, 'damaged-restored')
    const restored = await runVigia(home, ['restore', '--from', join(root, 'damaged-backups'), '--to', to])
    expect(restored.status).toBe(2)
    expect(restored.stderr).toMatch(
      /BACKUP_DAMAGED: The backup \S+ is damaged: origin\/\S+: its part parts\/\w+\/\w+ has the SHA-256/,
    )
    expect(readdirSync(root)).not.toContain('damaged-restored')
    const verified = await runVigia(home, ['backup', '--to', join(root, 'damaged-backups'), '--verify'])
    // The source has it still: it is put again, and heals the backup before, which shares it.
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining('healed')])
    const healed = await runVigia(home, ['restore', '--from', join(root, 'damaged-backups'), '--to', to])
    expect([healed.status, healed.stderr]).toEqual([0, ''])

    // A folder that has something is never written to.
    const full = await runVigia(home, ['restore', '--from', join(root, 'damaged-backups'), '--to', home])
    expect([full.status, full.stderr]).toEqual([2, expect.stringContaining('BACKUP_FOLDER_NOT_EMPTY')])
  })
})

const BACKUPS = join(root, 'backups')

const place = (name: string): { readonly home: string; readonly settings: readonly string[] } => {
  const home = join(root, name)
  mkdirSync(home)
  // Small segments, so that the log becomes Parquet meanwhile.
  const settings = [`model.source=${model}`, 'prediction_log.segment_size=1', 'limits.requests_per_minute=0']
  return { home, settings }
}

const url = ({ port }: VigiaServer, path: string): string => `http://127.0.0.1:${port}${path}`

const post = async (server: VigiaServer, path: string, body: unknown): Promise<string> => {
  const response = await fetch(url(server, path), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return text
}

/** The answer, but for how long this request took. */
const ask = async (server: VigiaServer, n: number): Promise<string> =>
  (await post(server, '/predict', smallTransaction(n))).replace(/,"latency_ms":[\d.e-]+}$/, '}')

/** Decides on the transactions of these numbers, both inclusive, some at a time. */
const decideOn = async (server: VigiaServer, first: number, last: number): Promise<void> => {
  for (let from = first; from <= last; from += 20)
    await Promise.all(Array.from({ length: Math.min(20, last - from + 1) }, (_, i) => ask(server, from + i)))
}

/** Asks until it is stopped: then it answers the last number that was asked. */
const startLoad = (server: VigiaServer, first: number): { stop(): Promise<number> } => {
  let isEnded = false
  let next = first
  const running = (async () => {
    while (!isEnded) {
      await decideOn(server, next, next + 19)
      next += 20
      await pause(BETWEEN_REQUESTS_MS)
      // The log loses segments to the archive meanwhile.
      if (next % 100 === 1) await post(server, '/save-logs', {})
    }
  })()
  return {
    stop: async () => {
      isEnded = true
      await running
      return next - 1
    },
  }
}

const backUp = async (home: string, name = 'backups'): Promise<Taken> => {
  const { status, stdout, stderr } = await runVigia(home, ['backup', '--to', join(root, name), '--json'])
  expect([status, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Taken
}

/** Answers to transactions that come again, by their number, of decisions up to a record. */
const answersOf = async (
  server: VigiaServer,
  last: number,
  lastSequence: number,
): Promise<ReadonlyMap<number, string>> => {
  const answers = new Map<number, string>()
  for (let n = 1; n <= last; n++) {
    const answer = await ask(server, n)
    const { prediction_id, repeated } = JSON.parse(answer) as { prediction_id: string; repeated: boolean }
    expect(repeated).toBe(true)
    if (Number(prediction_id.split('-').at(-1)) <= lastSequence) answers.set(n, answer)
  }
  return answers
}

/** What look-ups say of some of them, by both ids: those in Parquet are opened one by one. */
const foundOf = async (
  server: VigiaServer,
  answers: ReadonlyMap<number, string>,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  for (const [n, answer] of answers) {
    if (n % 25 !== 7) continue
    const { prediction_id } = JSON.parse(answer) as { prediction_id: string }
    for (const id of [prediction_id, `small-${n}`]) {
      const response = await fetch(url(server, `/predictions/${id}`))
      found.set(id, `${response.status} ${await response.text()}`)
    }
  }
  return found
}

const parquetFiles = (home: string): string[] =>
  readdirSync(join(home, '.vigia/log'), { recursive: true })
    .map((name) => join(home, '.vigia/log', String(name)))
    .filter((path) => path.endsWith('.parquet'))

const partFiles = (backups: string): string[] =>
  readdirSync(join(root, backups, 'parts'), { recursive: true })
    .map(String)
    .filter((name) => /^..\/[0-9a-f]{64}$/.test(name))
    .sort()

/** When each part was written. */
const partTimes = (backups: string): ReadonlyMap<string, number> =>
  new Map(partFiles(backups).map((part) => [part, statSync(join(root, backups, 'parts', part)).mtimeMs]))

const partBytes = (backups: string, part: string): number => statSync(join(root, backups, 'parts', part)).size

/** Begins a backup and kills it as soon as it has copied a part, before its manifest. */
const killedBackup = async (home: string, name: string, parts: number): Promise<void> => {
  const words = [resolve('bin/vigia.mjs'), 'backup', '--to', join(root, name), '--work', root]
  const program = spawn(process.execPath, words, { cwd: home, stdio: 'ignore' })
  const ended = once(program, 'exit')
  const manifests = readdirSync(join(root, name, 'backups')).length
  while (partFiles(name).length === parts && program.exitCode === null) await new Promise(setImmediate)
  program.kill('SIGKILL')
  await ended
  expect(readdirSync(join(root, name, 'backups'))).toHaveLength(manifests)
}
