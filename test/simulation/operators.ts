import type { LostNumbers } from '../../src/decisions/log/log-gaps.ts'
import { parseRanges } from '../../src/decisions/log/number-ranges.ts'
import { VigiaError } from '../../src/errors.ts'
import { readLogOnDisk } from './log-on-disk.ts'
import { ProcessEnded, type SimulatedProcess } from './machine.ts'
import { openServer } from './open-server.ts'
import { type Crash, type Plan, QUIET_MS, type Trouble } from './plan.ts'
import type { Server, Site } from './site.ts'
import { isYoungerThanLoss } from './watch-servers.ts'

/** How often it is looked whether servers run. */
const LOOK_MS = 250
/** A server may find this when it starts: it ends, and is started again. */
const START_FAILURES = new Set([
  'SERVING_FOLDER_IN_USE',
  'SERVING_LEASE_LOST',
  'SERVING_LOG_FAILED',
  'SERVING_STORE_FAILED',
  'SERVING_HISTORY_LOST',
  'SERVING_LOG_FOREIGN',
])
/** Of these, what only a store that was emptied explains. */
const AFTER_LOSS = new Set(['SERVING_HISTORY_LOST', 'SERVING_LOG_FOREIGN'])

/** Those who run the servers: they start them, and start them again; and what happens to them. */
export class Operators {
  private readonly site: Site
  private readonly plan: Plan
  private readonly onOpen: (server: Server) => void
  private isEnded = false
  /** When the next server of a host may be started. */
  private readonly startsAtMs = new Map<string, number>()

  constructor(site: Site, plan: Plan, onOpen: (server: Server) => void) {
    this.site = site
    this.plan = plan
    this.onOpen = onOpen
    this.watchCrashes()
    for (const fault of plan.faults) if ('atMs' in fault) this.schedule(fault)
    site.machine.after(QUIET_MS, () => this.quiet(), null)
    this.look()
  }

  /** No more servers are started. */
  end(): void {
    this.isEnded = true
  }

  start(host: string): Server {
    const { site } = this
    const { machine } = site
    const process = machine.start(host)
    const { records } = readLogOnDisk(site, site.logFolder(host), false)
    const before = site.servers.filter((server) => server.host === host).at(-1)
    const server: Server = {
      process,
      host,
      service: undefined,
      lookedMs: undefined,
      hadNothing: records.length === 0 || (before !== undefined && isYoungerThanLoss(site, before)),
      isOusted: false,
    }
    site.servers.push(server)
    machine.tell(`process ${process.id} of ${host} starts`)
    const open = async (): Promise<void> => {
      try {
        const service = await openServer(site, server)
        if ((process.state as string) === 'dead') return
        server.service = service
        machine.tell(`process ${process.id} serves`)
        this.onOpen(server)
      } catch (error) {
        if (error instanceof ProcessEnded) return
        const code = error instanceof VigiaError ? error.code : ''
        machine.tell(`process ${process.id} does not start: ${(error as Error).message}`)
        const isAccepted = code === 'SERVING_LOG_GAPS' && site.isLossy
        // As `vigia log accept` does, after a power failure that nobody was promised to survive.
        if (isAccepted) {
          site.lost.push(...lostBy(error as VigiaError))
          site.hasHole = true
        } else if (!START_FAILURES.has(code) || (AFTER_LOSS.has(code) && site.emptiedAtMs === undefined))
          site.broken(`a server did not start: ${code} ${(error as Error).stack}`)
        this.startsAtMs.set(host, machine.nowMs + 500 + site.draw() * 500)
        site.kill(server, 'not started')
      }
    }
    machine.after(0, () => void open(), process)
    return server
  }

  private look(): void {
    const { site } = this
    if (this.isEnded) return
    site.machine.after(LOOK_MS, () => this.look(), null)
    const hosts = site.setup.states === 'owned' ? ['a'] : ['a', 'b']
    for (const host of hosts) {
      const isServed =
        site.setup.states === 'owned'
          ? site.living().length > 0
          : site.living().some((server) => server.host === host)
      if (!isServed && site.machine.nowMs >= (this.startsAtMs.get(host) ?? 0)) this.start(host)
    }
  }

  /** Crashes come at points of the run, whatever is being done there. */
  private watchCrashes(): void {
    const { site } = this
    const crashesBy = (count: (crash: Crash) => number | undefined): Crash[] =>
      this.plan.faults
        .filter((fault): fault is Crash => !('atMs' in fault) && count(fault) !== undefined)
        .sort((a, b) => count(a)! - count(b)!)
    const byPoint = crashesBy(({ point }) => point)
    const bySync = crashesBy(({ sync }) => sync)
    const crash = ({ kind }: Crash, process: SimulatedProcess): void => {
      if (site.machine.nowMs > QUIET_MS) return
      if (kind === 'power') site.losePower()
      else site.kill(site.servers.find((server) => server.process === process)!, 'kill -9')
    }
    site.machine.watch = {
      reached: (point, process) => {
        if (byPoint.length > 0 && point >= byPoint[0]!.point!) crash(byPoint.shift()!, process)
      },
      syncing: (sync, process) => {
        if (bySync.length > 0 && sync >= bySync[0]!.sync!) crash(bySync.shift()!, process)
      },
    }
  }

  private schedule(fault: Trouble): void {
    const { site } = this
    const { machine } = site
    machine.after(
      fault.atMs,
      () => {
        machine.tell(`fault: ${JSON.stringify(fault)}`)
        this.begin(fault)
        if ('forMs' in fault) machine.after(fault.forMs, () => this.finish(fault), null)
      },
      null,
    )
  }

  private begin(fault: Trouble): void {
    const { site } = this
    if (fault.kind === 'disk') site.disk.trouble = fault.trouble
    else if (fault.kind === 'store') site.folder.trouble = fault.trouble
    else if (fault.kind === 'network') site.networkLoss = fault.share
    else if (fault.kind === 'clock') site.machine.wallAheadMs += fault.byMs
    else if (fault.kind === 'empty') {
      site.emptiedAtMs = site.machine.nowMs
      void site.shared?.readHistory().then(({ lastSequence }) => {
        site.lostEntries = lastSequence
        return site.shared?.clear()
      })
    } else {
      const [server] = site.living()
      if (server === undefined) return
      site.machine.freeze(server.process)
      if (fault.kind === 'takeover') this.start('b')
    }
  }

  private finish(fault: Trouble): void {
    const { site } = this
    if (fault.kind === 'disk') site.disk.trouble = undefined
    else if (fault.kind === 'store') site.folder.trouble = undefined
    else if (fault.kind === 'network') site.networkLoss = 0
    else for (const { process } of site.living()) site.machine.thaw(process)
  }

  private quiet(): void {
    const { site } = this
    site.machine.tell('from here on nothing goes wrong')
    site.disk.trouble = undefined
    site.folder.trouble = undefined
    site.networkLoss = 0
    for (const { process } of site.living()) site.machine.thaw(process)
  }
}

const lostBy = ({ details }: VigiaError): LostNumbers[] =>
  parseRanges(String(details['numbers'])).map((range) => ({ ...range, reason: 'a power failure' }))
