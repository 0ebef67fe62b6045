import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { expectParity, logOf } from '../integration/served-log.ts'
import { trainSmallModel } from '../integration/small-service.ts'
import {
  killVigiaServers,
  runVigia,
  spawnVigiaServer,
  type VigiaServer,
} from '../integration/vigia-server.ts'
import { soakBank } from './soak/soak-bank.ts'
import { type SoakClients, startSoakClients } from './soak/soak-clients.ts'
import { mountSoakDisk, type SoakDisk } from './soak/soak-disk.ts'
import { readSoakLog } from './soak/soak-log.ts'
import { bytesOnDisk, growth, percentile, rssAnonMegabytes, type Slot, tableOf } from './soak/soak-slots.ts'

/*
 * Two hours of a server as operation has it. In the first third and in the last nothing is done to it;
 * between them it moves to another layout of states, is backed up, gets another key, is killed twice and has
 * a full disk. VIGIA_SOAK_MINUTES=3 is the same in a small form; VIGIA_SOAK_RATE says how many decisions a
 * second.
 */

const MINUTES = Number(process.env['VIGIA_SOAK_MINUTES'] ?? 120)
const RATE = Number(process.env['VIGIA_SOAK_RATE'] ?? 500)
const SECOND = 1000
/** Five minutes of two hours; there are three at least in each third. */
const SLOT_MS = Math.min(5, MINUTES / 9) * 60 * SECOND
const SLOTS_OF_THIRD = Math.round((MINUTES * 60 * SECOND) / 3 / SLOT_MS)
/** Twice of what a decision takes in the log before it is Parquet. */
const BYTES_PER_DECISION = 4000
const DISK_BYTES = (512 << 20) + MINUTES * 60 * RATE * BYTES_PER_DECISION

/** The disk that is filled to its end, its backup, and what is read at the end. */
const expectRoom = (): void => {
  const { bavail, bsize } = statfsSync(tmpdir())
  const [needed, free] = [2.5 * DISK_BYTES, bavail * bsize].map((bytes) => Math.ceil(bytes / (1 << 30)))
  if (free! < needed!)
    throw new Error(`${tmpdir()} has ${free} GiB left, and ${needed} are needed: make room, or set TMPDIR`)
}

const root = mkdtempSync(join(tmpdir(), 'vigia-soak-'))
let disk: SoakDisk | undefined
afterAll(async () => {
  await killVigiaServers()
  disk?.remove()
  rmSync(root, { recursive: true, force: true })
})

test(
  'a server under a steady load loses nothing, does nothing twice and stays as it is, whatever operation does to it',
  async () => {
    expectRoom()
    const run = await trainSmallModel(GENUINE)
    const home = join(root, 'home')
    disk = mountSoakDisk(home, DISK_BYTES)
    mkdirSync(home, { recursive: true })
    const { lastEventTimeMs } = JSON.parse(readFileSync(join(run, 'states/states.json'), 'utf8')) as {
      lastEventTimeMs: number
    }
    const soak = await Soak.start(home, run, lastEventTimeMs + 60 * SECOND)
    await soak.slots(SLOTS_OF_THIRD)
    await soak.meanwhile([
      // First of all: what it has to take in grows with the log.
      ['migration', () => soak.migrate()],
      ['backup', () => soak.backUp()],
      ['keys', () => soak.rotateKeys()],
      ['kill -9', () => soak.killAndRestart()],
      ['full disk', () => soak.fillDisk(disk)],
      ['kill -9', () => soak.killAndRestart()],
      ['end', () => soak.endOldStates()],
    ])
    await soak.slots(SLOTS_OF_THIRD)
    const { counts, sequences, refusals } = await soak.finish()
    process.stdout.write(
      `\n${tableOf(soak.measured)}\nrefused, and sent again: ${JSON.stringify(refusals)}\n`,
    )

    const logged = await readSoakLog(root, logOf(home), sequences)
    process.stdout.write(`${JSON.stringify({ ...counts, ...logged })}\n`)
    expect(counts.answered).toBe(counts.begun)
    expect(logged).toMatchObject({ lost: 0, missing: 0, doubled: 0, told: counts.labels })
    expect([logged.decisions, logged.transactions]).toEqual([counts.begun, counts.begun])
    // Those of which nobody told anything within the delay of an hour, which a minute of the soak is.
    expect(logged.delivered).toBeGreaterThan(counts.begun / 4)
    const verified = await runVigia(home, ['log', 'verify', '--log', logOf(home), '--json'])
    expect(JSON.parse(verified.stdout)).toMatchObject([{ isWhole: true }])
    expect((await expectParity(home, [logOf(home)])).rows).toBeGreaterThan(0)
    expect(growth(soak.measured)).toEqual([])
  },
  (10 * MINUTES + 60) * 60 * SECOND,
)

/** Transactions of which nobody tells anything are genuine an hour later. */
const GENUINE = ['labels.unlabelled=genuine_after_delay', 'labels.delay=1h']

/** A server under load, and what operation does to it. */
class Soak {
  readonly measured: Slot[] = []
  private readonly startedMs = performance.now()
  private readonly home: string
  private readonly settings: readonly string[]
  private readonly clients: SoakClients
  private server: VigiaServer | undefined
  private key = 'first'
  private events: string[] = []

  static async start(home: string, run: string, startMs: number): Promise<Soak> {
    const soak = new Soak(home, run, startMs)
    soak.writeKeys('first')
    writeFileSync(join(home, 'serving.yaml'), 'security:\n  keys: keys.json\nlog:\n  level: warn\n')
    await soak.restart()
    return soak
  }

  private constructor(home: string, run: string, startMs: number) {
    this.home = home
    // Small segments and archives, so that the log becomes Parquet meanwhile.
    this.settings = [`model.source=${run}`, 'limits.requests_per_minute=0', 'prediction_log.segment_size=16']
    this.clients = startSoakClients(soakBank(startMs, RATE), RATE)
    this.clients.useKey(this.key)
  }

  /** Measures so many slots. */
  async slots(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.slot(wait(SLOT_MS))
  }

  /** Does these to the server in their order, spread over a third of the time, and measures meanwhile. */
  async meanwhile(acts: readonly (readonly [string, () => Promise<string>])[]): Promise<void> {
    const pauseMs = (SLOTS_OF_THIRD * SLOT_MS) / (2 * acts.length)
    for (const [name, act] of acts)
      await this.slot(
        (async () => {
          await wait(pauseMs)
          const [done] = await Promise.all([act(), wait(pauseMs)])
          this.events.push(`${name}: ${done}`)
        })(),
      )
  }

  async backUp(): Promise<string> {
    const words = ['backup', '--to', join(root, 'backups'), ...this.configured()]
    const taken = await this.vigia([...words, '--json'])
    await this.vigia([...words, '--verify'])
    return `of ${(JSON.parse(taken) as { lastSequence: number }).lastSequence} records, verified`
  }

  async rotateKeys(): Promise<string> {
    const before = this.key
    this.writeKeys(before, 'second')
    await this.untilStatus('second', 200)
    this.key = 'second'
    this.clients.useKey('second')
    const unauthorised = this.clients.refusals()['401'] ?? 0
    this.writeKeys('second')
    await this.untilStatus(before, 401)
    expect(this.clients.refusals()['401'] ?? 0).toBeLessThanOrEqual(unauthorised + 400)
    return 'another, the first ended'
  }

  async killAndRestart(): Promise<string> {
    this.clients.useServer(undefined)
    await this.server!.kill()
    const startedMs = performance.now()
    await this.restart()
    return `listened after ${((performance.now() - startedMs) / SECOND).toFixed(1)} s`
  }

  async fillDisk(small: SoakDisk | undefined): Promise<string> {
    if (small === undefined) return 'skipped: no disk of its own can be mounted, which needs root on Linux'
    small.fill()
    const before = this.clients.refusals()['503'] ?? 0
    try {
      while ((this.clients.refusals()['503'] ?? 0) < before + 100) await wait(100)
    } finally {
      small.free()
    }
    const answered = this.clients.counts().answered
    while (this.clients.counts().answered < answered + RATE) await wait(100)
    return 'refused, and went on'
  }

  async migrate(): Promise<string> {
    const other = await trainSmallModel([...GENUINE, 'features.windows=[2h,3d,45d]'])
    const server = `http://127.0.0.1:${this.server!.port}`
    const words = ['state', 'migrate', '--to', other, '--switch', '--server', server, '--json']
    const startedMs = performance.now()
    const moved = JSON.parse(await this.vigia([...words, ...this.configured()])) as {
      readonly built: { readonly taken: number }
      readonly pauseMs: number
    }
    expect(moved).toMatchObject({ isServed: true, isSwitched: true })
    const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
    return `another layout, ${moved.built.taken} records and the switch in ${minutes} minutes, requests waited ${moved.pauseMs.toFixed(0)} ms`
  }

  async endOldStates(): Promise<string> {
    const server = `http://127.0.0.1:${this.server!.port}`
    const response = await fetch(`${server}/admin/state/branches`, { headers: { 'x-api-key': this.key } })
    const { branches } = (await response.json()) as { readonly branches: readonly { layout: string }[] }
    expect(branches).toHaveLength(1)
    const words = ['state', 'migrate', '--drop', branches[0]!.layout, '--server', server]
    await this.vigia([...words, ...this.configured()])
    return 'of the states of before'
  }

  /** Ends the load, and the server when its log is Parquet. */
  async finish() {
    await this.clients.finish()
    const saved = await fetch(`http://127.0.0.1:${this.server!.port}/save-logs`, {
      method: 'POST',
      headers: { 'x-api-key': this.key },
    })
    expect(saved.status).toBe(200)
    expect(await this.server!.stop()).toBe(0)
    const { clients } = this
    return { counts: clients.counts(), sequences: clients.sequences(), refusals: clients.refusals() }
  }

  private async slot(over: Promise<unknown>): Promise<void> {
    this.clients.takeLatencies()
    const [before, beganMs] = [this.clients.counts().answered, performance.now()]
    await over
    const latencies = this.clients.takeLatencies()
    const { answered } = this.clients.counts()
    this.measured.push({
      minute: (performance.now() - this.startedMs) / 60_000,
      perSecond: ((answered - before) * SECOND) / (performance.now() - beganMs),
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      rssAnonMegabytes: rssAnonMegabytes(this.server!.processId),
      bytesPerDecision: bytesOnDisk(join(this.home, '.vigia')) / answered,
      events: this.events,
    })
    this.events = []
    process.stdout.write(`${tableOf(this.measured.slice(-1)).split('\n')[1]}\n`)
  }

  private async restart(): Promise<void> {
    this.server = await spawnVigiaServer(this.home, this.settings, { config: 'serving.yaml' }).listening
    this.clients.useServer(this.server.port)
  }

  private configured(): readonly string[] {
    return ['--config', 'serving.yaml', ...this.settings.flatMap((setting) => ['--set', setting])]
  }

  private async vigia(words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await runVigia(this.home, words, { VIGIA_API_KEY: this.key })
    expect([words[0], status, status === 0 ? '' : stdout + stderr]).toEqual([words[0], 0, ''])
    return stdout
  }

  private writeKeys(...names: readonly string[]): void {
    const scopes = ['predict', 'feedback', 'read', 'admin']
    const keys = names.map((name) => ({ name, sha256: sha256(name), scopes }))
    writeFileSync(join(this.home, 'keys.new'), JSON.stringify(keys))
    renameSync(join(this.home, 'keys.new'), join(this.home, 'keys.json'))
  }

  /** Waits until a key is answered so. */
  private async untilStatus(key: string, status: number): Promise<void> {
    for (;;) {
      const { port } = this.server!
      const response = await fetch(`http://127.0.0.1:${port}/model`, { headers: { 'x-api-key': key } })
      await response.text()
      if (response.status === status) return
      await wait(50)
    }
  }
}
