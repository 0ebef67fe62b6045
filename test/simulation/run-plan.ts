import { createHash } from 'node:crypto'
import { checkAnswers, checkLabels, checkOrder, entriesOf } from './check-history.ts'
import { checkBytes, checkStored, watchSaves } from './check-store.ts'
import { type Answer, startClients } from './clients.ts'
import { historyOf } from './log-on-disk.ts'
import { Machine, ProcessEnded, useMachine } from './machine.ts'
import { Operators } from './operators.ts'
import { type Plan, QUIET_MS, START_MS } from './plan.ts'
import { replayHistory } from './replayed.ts'
import { type Server, Site, useSite } from './site.ts'
import { createReadinessWatch } from './watch-servers.ts'

/** What came of a run. */
export interface RunResult {
  /** Rules that did not hold; empty: the run is as it should be. */
  readonly violations: readonly string[]
  /** SHA-256 of all that happened: equal for equal runs. */
  readonly hash: string
  /** What happened, line by line: time in milliseconds, process, event. */
  readonly story: readonly string[]
  /** Turns of processes and calls of their disks. */
  readonly points: number
}

/** Longest time until everybody is answered once nothing goes wrong any more. */
const RECOVERY_MS = 60_000

/** Carries out a plan from its beginning to its end, and checks it. */
export const runPlan = async (plan: Plan): Promise<RunResult> => {
  const machine = new Machine(`run ${plan.seed}`, START_MS)
  useMachine(machine)
  const site = new Site(machine, plan.setup)
  useSite(site)
  // A server ends by an error that nobody handles; what a dead process throws is nothing.
  const unhandled = (error: unknown): void => {
    if (!(error instanceof ProcessEnded)) site.broken(`nobody handles ${(error as Error)?.stack ?? error}`)
  }
  process.on('unhandledRejection', unhandled)
  try {
    await live(site, plan)
  } catch (error) {
    site.broken(`the simulation failed: ${(error as Error).stack}`)
  } finally {
    process.off('unhandledRejection', unhandled)
    useSite(undefined)
    useMachine(undefined)
  }
  const { story, points } = machine
  const hash = createHash('sha256').update(story.join('\n')).digest('hex')
  return { violations: site.violations, hash, story, points }
}

const live = async (site: Site, plan: Plan): Promise<void> => {
  const { machine } = site
  const isShared = plan.setup.states === 'shared'
  if (isShared) site.shared = await site.openShared({ consumer: 'operator', takeOverAfterMs: 3000 })
  else watchSaves(site)
  const answers: Answer[] = []
  const watch = createReadinessWatch(site)
  const operators = new Operators(site, plan, watch.opened)
  const clients = startClients(site, plan.requests, (answer) => void answers.push(answer))
  watch.start()
  const isEmptied = (): boolean => site.emptiedAtMs !== undefined
  const isOver = (): boolean =>
    site.violations.length > 0 || (machine.nowMs > QUIET_MS + 1000 && clients.isDone() && !isEmptied())
  const untilMs = QUIET_MS + (plan.faults.some(({ kind }) => kind === 'empty') ? 15_000 : RECOVERY_MS)
  const isDone = await machine.run(isOver, untilMs)
  if (site.violations.length > 0) return
  if (isEmptied()) watch.nobodyIsReady()
  else if (!isDone) site.broken(`${clients.waiting()} clients have no answer long after all went well again`)
  if (site.violations.length === 0) await end(site, plan, operators)
  if (site.violations.length === 0) await check(site, answers)
}

/** Ends the servers: some are killed once more first, started again and then closed. */
const end = async (site: Site, plan: Plan, operators: Operators): Promise<void> => {
  const { machine } = site
  const isEmptied = site.emptiedAtMs !== undefined
  if (plan.endsKilled && !isEmptied) for (const server of site.living()) site.kill(server, 'at the end')
  const closed = new Set<Server>()
  // One that learns only as it closes that another one took its states saves nothing more: the next one does.
  do {
    const isUp = (): boolean =>
      site.living().length > 0 &&
      site.living().every(({ service, isOusted }) => service !== undefined && !isOusted)
    if (!isEmptied && !(await machine.run(isUp, machine.nowMs + RECOVERY_MS)))
      site.broken('no server comes back at the end')
  } while ((await closeServers(site, closed)) && !isEmptied && site.violations.length === 0)
  operators.end()
}

/** Closes those that live, each once. @returns whether one was ousted meanwhile */
const closeServers = async (site: Site, closed: Set<Server>): Promise<boolean> => {
  const { machine } = site
  const isEmptied = site.emptiedAtMs !== undefined
  const closing = site.living().filter((server) => server.service !== undefined && !closed.has(server))
  for (const server of closing) {
    const { pipeline } = server.service!
    const done = (): void => void closed.add(server)
    const failed = (error: Error): void => {
      done()
      if (!isEmptied && !server.isOusted) site.broken(`a server does not close: ${error.stack}`)
    }
    machine.after(0, () => void pipeline.close().then(done, failed), server.process)
  }
  const isDone = (): boolean => closing.every((server) => closed.has(server) || server.isOusted)
  if (!(await machine.run(isDone, machine.nowMs + RECOVERY_MS))) site.broken('a server never closes')
  return closing.some(({ isOusted }) => isOusted)
}

const check = async (site: Site, answers: readonly Answer[]): Promise<void> => {
  const history = historyOf(site)
  if (site.setup.states === 'shared') {
    // What waits in the store is not lost, and moves to a log when a server comes.
    for (const { sequence, bytes } of (await site.shared?.waitingEntries()) ?? []) {
      const payload = Buffer.from(bytes)
      payload.writeDoubleLE(sequence, 8)
      if (!history.has(sequence)) history.set(sequence, { sequence, payload })
    }
  }
  const entries = entriesOf(site, history)
  const isEmptied = site.emptiedAtMs !== undefined
  // What waited in a store that was emptied is gone: nothing is served on it until it is put right.
  if (isEmptied) return
  checkAnswers(site, entries, answers)
  if (site.isLossy) return
  checkOrder(site, entries, entries.at(-1)?.sequence ?? 0)
  if (site.violations.length > 0) return
  const replay = replayHistory(site, entries)
  if (site.setup.states === 'owned') {
    checkLabels(site, entries, replay)
    checkStored(site, replay)
    return
  }
  const keys = [...replay.states].filter(([, { applied }]) => applied > 0)
  for (const [name] of keys) {
    const [, kind, token] = name.split('/') as [string, string, string]
    const [stored] = (await site.shared?.load([{ kind, token: Number(token) }])) ?? []
    if (stored === undefined) site.broken(`${name} is not in the shared store`)
    else checkBytes(site, replay, name, stored)
  }
}
