import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RetrainingEntry } from '../../src/retraining/retraining-book.ts'
import {
  killVigiaServers,
  runVigia,
  startVigiaServer,
  type VigiaServer,
} from '../integration/vigia-server.ts'
import { type AlertDesk, openAlertDesk } from './alert-desk.ts'
import { openSimulatedTime, type SimulatedTime } from './simulated-time.ts'
import {
  ALERTS_A_DAY,
  type DecidedRow,
  dayMs,
  decideOn,
  GENERATED,
  postJson,
  type StoryRow,
  splitStory,
  timeOf,
} from './story-bank.ts'

export const MODEL = 'fraud-detector'

const TRAINING = (trees: number): string => `
models:
  random_forest: { enabled: false }
  xgboost: { enabled: false }
  logistic_regression: { enabled: false }
  gradient_boosting: { trees: ${trees} }
features:
  windows: [1h, 1d]
  risk_windows: [7d]
  include: [amount, transaction_type_code, hour, device_type_code, user_tx_count_1d]
resources: { threads: 1 }
labels: { delay: 2d }
split: { warm_up: 3d }
# How fast this machine is says nothing here.
promotion: { latency: { p50: null, p99: null } }
`

const serving = (channels: string): string => `
model: { source: 'models:/${MODEL}/1' }
limits: { requests_per_minute: 0 }
log: { level: warn }
alerts:
  channels:
    ${channels}
monitoring: { days: 1 }
retraining:
  enabled: true
  training: training.yaml
  # Once a day, after the look of 00:20.
  steps: '40 0 * * *'
  least_frauds: 50
  least_judged_frauds: 40
  label_horizon: 10d
  window: 40d
  alerts_per_day: ${ALERTS_A_DAY}
  least_decisions: 200
  watch: 21d
  cooldown: 1d
`

/** Flagged rows are looked at the day after; what was missed, and what is genuine, is heard of later. */
const TOLD_AFTER_DAYS = { flagged: 1, others: 4 }
const BATCH = 200
/** Some twenty minutes of a hundred milliseconds: what does not come by then never does. */
const TRIES = 9_000
/** A step of retraining may take milliseconds: it is looked for more often than what is waited for. */
const TURNS = 10
const TURN_MS = 10
/** How often a server begins the steps of one time (`src/lifecycle/retraining-jobs.ts`). */
const ATTEMPTS = 3

export interface EpisodeStep {
  readonly atMs: number
  readonly episode: string
  readonly from: string | null
  readonly to: string
  readonly why: string
  readonly look?: string
  readonly run?: string
  readonly figures?: Readonly<Record<string, unknown>>
}

/** A bank, its server and those whom its alerts reach, day by day. */
export class PlayedStory {
  readonly home = mkdtempSync(join(tmpdir(), 'vigia-story-'))
  readonly time: SimulatedTime = openSimulatedTime(this.home, dayMs(0))
  readonly decided = new Map<number, readonly DecidedRow[]>()
  /** Statuses at which the server and its processes are killed once they are written down. */
  readonly killAt = new Set<string>()
  readonly killed: string[] = []
  desk!: AlertDesk
  server!: VigiaServer
  private rows: ReadonlyMap<number, readonly StoryRow[]> = new Map()
  private settings: readonly string[] = []
  private seenSteps = 0

  /** Makes the bank and its first model, and starts nothing yet. */
  async begin(): Promise<void> {
    this.desk = await openAlertDesk(this.time)
    writeFileSync(join(this.home, 'training.yaml'), TRAINING(30))
    writeFileSync(join(this.home, 'worse.yaml'), TRAINING(1))
    writeFileSync(join(this.home, 'serving.yaml'), serving(this.desk.channels))
    writeFileSync(join(this.home, 'hook.secret'), `${this.desk.secret}\n`)
    await this.vigia(['generate', '--out', 'bank.parquet', ...GENERATED.flatMap((one) => ['--set', one])])
    this.rows = await splitStory(this.home)
    const first = [...this.rows.keys()][0]!
    this.time.moveTo(dayMs(first))
    await this.vigia([
      'run',
      '--config',
      'training.yaml',
      '--out',
      'first',
      '--set',
      'source.path=learnt.parquet',
    ])
    const promotion = ['models', 'promote', '1', '--run', 'first', '--by', 'ana', '--reason', 'the first']
    await this.vigia([...promotion, '--config', 'training.yaml'])
  }

  /** Starts the server, with settings that it keeps when it is started anew. */
  async start(settings: readonly string[] = this.settings): Promise<void> {
    this.settings = settings
    this.server = await startVigiaServer(this.home, settings, {
      config: 'serving.yaml',
      within: ['env', ...this.words()],
    })
  }

  /**
   * A whole day: decides on its transactions at their times, tells the labels that are known by its end, and
   * lets the night pass: the look of 00:20 and what is due of retraining.
   *
   * @param change what becomes of a transaction on its way
   */
  async day(
    day: number,
    { looks = true, change = (row) => row }: { looks?: boolean; change?: (row: StoryRow) => StoryRow } = {},
  ): Promise<void> {
    const rows = this.rows.get(day)!
    const decided: DecidedRow[] = []
    for (let at = 0; at < rows.length; at += BATCH) {
      const batch = rows.slice(at, at + BATCH)
      this.time.moveTo(timeOf(batch.at(-1)!.transaction))
      decided.push(...(await decideOn(this.server, batch.map(change))))
    }
    this.decided.set(day, decided)
    await this.tellLabels(day)
    if (!looks) return
    this.time.moveTo(dayMs(day + 1) + 20 * 60_000)
    await this.until('the look', () => this.hasLooked(day))
    this.time.moveTo(dayMs(day + 1) + 40 * 60_000)
    await this.until('the steps', async () => this.hasStepped(day))
  }

  async days(from: number, to: number, options: Parameters<PlayedStory['day']>[1] = {}): Promise<void> {
    for (let day = from; day < to; day++) await this.day(day, options)
  }

  /** What retraining has written down, in its order. */
  trail(): readonly EpisodeStep[] {
    const file = join(this.home, 'retraining', 'journal.jsonl')
    if (!existsSync(file)) return []
    return entriesOf<RetrainingEntry>(file).flatMap(({ records }) => records) as readonly EpisodeStep[]
  }

  /** Changes of status of the latest episode. */
  passed(): readonly string[] {
    const trail = this.trail()
    const latest = trail.at(-1)?.episode
    return trail.filter(({ episode, from, to }) => episode === latest && from !== to).map(({ to }) => to)
  }

  status(): string | undefined {
    return this.passed().at(-1)
  }

  /** Asks the server. */
  async ask<Answer>(path: string): Promise<Answer> {
    return (await (await fetch(`http://127.0.0.1:${this.server.port}${path}`)).json()) as Answer
  }

  post(path: string, body: object): Promise<unknown> {
    return postJson(this.server.port, path, body)
  }

  /** Models in service: `champion 1`. */
  async models(): Promise<readonly string[]> {
    const { models } = await this.ask<{ models: readonly { role: string; version: string }[] }>(
      '/admin/models',
    )
    return models.map(({ role, version }) => `${role} ${version}`).sort()
  }

  async vigia(words: readonly string[]): Promise<string> {
    const tracked = { VIGIA_TRACKING__ENABLED: 'true', USER: 'ana' }
    const done = await runVigia(this.home, words, { ...this.time.environment, ...tracked })
    if (done.status !== 0) throw new Error(`vigia ${words.join(' ')}: ${done.status}\n${done.stderr}`)
    return done.stdout
  }

  /**
   * Waits until something is so, while the clock goes on twenty times as fast; the server is killed on the
   * way where the story says so.
   */
  async until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      for (let turn = 0; turn < TURNS; turn++) {
        await this.killWhereTold()
        await wait(TURN_MS)
      }
      if (await isSo()) return
      this.time.moveTo(this.time.now() + 2000)
    }
    throw new Error(`${what} did not come; the server said:\n${this.server.output().slice(-3000)}`)
  }

  async close(): Promise<void> {
    await killVigiaServers()
    await this.desk?.close()
    this.time.close()
    rmSync(this.home, { recursive: true, force: true })
  }

  private words(): readonly string[] {
    const all = { ...this.time.environment, VIGIA_TRACKING__ENABLED: 'true' }
    return Object.entries(all).map(([name, value]) => `${name}=${value}`)
  }

  private async tellLabels(day: number): Promise<void> {
    const { flagged, others } = TOLD_AFTER_DAYS
    const known = [
      ...(this.decided.get(day - flagged) ?? []).filter(({ isFlagged }) => isFlagged),
      ...(this.decided.get(day - others) ?? []).filter(({ isFlagged }) => !isFlagged),
    ]
    this.time.moveTo(dayMs(day + 1) - 60_000)
    if (known.length === 0) return
    const labels = known.map(({ transaction: { transaction_id }, isFraud }) => ({
      transaction_id,
      is_fraud: isFraud,
    }))
    await this.post('/feedback', { labels })
  }

  private async hasLooked(day: number): Promise<boolean> {
    const dueAt = new Date(dayMs(day + 1) + 20 * 60_000).toISOString()
    const { runs } = await this.ask<{ runs: readonly LookRun[] }>('/monitoring/runs')
    const mine = runs.filter(({ scheduled_for }) => Date.parse(scheduled_for) === Date.parse(dueAt))
    const failed = mine.find(({ outcome }) => outcome === 'failed')
    if (failed !== undefined) throw new Error(`the look of ${dueAt} failed: ${failed.detail}`)
    return mine.some(({ outcome }) => outcome === 'done')
  }

  /** Whether the steps of the night were done, and no more are under way. */
  private hasStepped(day: number): boolean {
    const dueMs = dayMs(day + 1) + 40 * 60_000
    const file = join(this.home, 'retraining', 'schedule', 'journal.jsonl')
    if (!existsSync(file)) return false
    const runs = new Map<string, StepRun>()
    for (const { runs: changed = [] } of entriesOf<{ runs?: readonly StepRun[] }>(file))
      for (const run of changed) runs.set(run.id, run)
    const ofNight = [...runs.values()].filter(({ scheduledForMs }) => scheduledForMs === dueMs)
    const last = ofNight.at(-1)
    // Killed as often as it is tried in a night: a server that starts does what is due all the same.
    return last?.outcome === 'done' || (last?.outcome === 'lost' && last.attempt >= ATTEMPTS)
  }

  private async killWhereTold(): Promise<void> {
    const trail = this.trail()
    const fresh = trail.slice(this.seenSteps)
    this.seenSteps = trail.length
    // Steps that came within one turn share a kill: they are told together.
    const at = fresh.filter(({ from, to }) => from !== to && this.killAt.delete(to))
    if (at.length === 0) return
    this.killed.push(...at.map(({ to }) => to))
    const children = childrenOf(this.server.processId)
    await this.server.kill()
    for (const child of children) killIfThere(child)
    await this.start()
  }
}

interface LookRun {
  readonly scheduled_for: string
  readonly outcome: string
  readonly detail: string
}

interface StepRun {
  readonly id: string
  readonly scheduledForMs: number
  readonly attempt: number
  readonly outcome?: string
}

/** Entries of a journal whose lines are whole; the first line is its head. */
const entriesOf = <Entry>(file: string): readonly Entry[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(1, -1)
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Entry)

/** Processes that a process has started, as Linux tells them. */
const childrenOf = (processId: number): readonly number[] => {
  const tasks = `/proc/${processId}/task`
  if (!existsSync(tasks)) return []
  return readdirSync(tasks).flatMap((task) =>
    readFileSync(`${tasks}/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

const killIfThere = (processId: number): void => {
  try {
    process.kill(processId, 'SIGKILL')
  } catch {
    // It has ended with its server.
  }
}
