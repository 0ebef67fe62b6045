import type { CatalogEntry } from '../../src/decisions/log/archive-catalog.ts'
import type { LostNumbers } from '../../src/decisions/log/log-gaps.ts'
import type { Service } from '../../src/pipelines/service/open-service.ts'
import type { SharedStateStore } from '../../src/ports/state-store.ts'
import { createMemorySharedStates } from '../../src/testing/memory/memory-shared-states.ts'
import { Disk } from './disk.ts'
import type { Machine, SimulatedProcess } from './machine.ts'
import { StoreFolder } from './owned-store.ts'
import type { Setup } from './plan.ts'

/** A record as a log had it. */
export interface KeptRecord {
  readonly sequence: number
  readonly payload: Uint8Array
}

/** A server of the run: its process, and what it has opened. */
export interface Server {
  readonly process: SimulatedProcess
  /** Names its log and what it is to others; a server that is started again keeps it. */
  readonly host: string
  /** Undefined until it is open, and when it is not any more. */
  service: Service | undefined
  /** When a shared store first told it whose decisions it has; undefined: it has not yet. */
  lookedMs: number | undefined
  /** Its log had no record of a time before the loss of the shared store when it was started. */
  readonly hadNothing: boolean
  /** It has lost its folders, and ends. */
  isOusted: boolean
}

/** What outlives the processes of a run: disk, stores, archive; and which servers there are. */
export class Site {
  readonly machine: Machine
  readonly setup: Setup
  readonly disk: Disk
  readonly folder: StoreFolder
  /** Segments by log and name. */
  readonly archive = new Map<string, readonly KeptRecord[]>()
  /** What the archives' catalogs have, by log and segment. */
  readonly catalogs = new Map<string, Map<string, CatalogEntry>>()
  readonly servers: Server[] = []
  /** Opens the shared store as one of the processes. */
  readonly openShared: ReturnType<typeof createMemorySharedStates>
  /** The shared store as an operator sees it, who expects no history. */
  shared: SharedStateStore | undefined
  /** When the shared store lost everything; undefined: it has not. */
  emptiedAtMs: number | undefined
  /** Decisions and labels that it had then. */
  lostEntries = 0
  /** Numbers that an operator has given up for lost. */
  readonly lost: LostNumbers[] = []
  /** A power failure has taken records that nobody was promised to keep. */
  isLossy = false
  /** Some of them were in the middle of what is left: later decisions were made in view of what is gone. */
  hasHole = false
  /** Share of requests and answers that the network loses. */
  networkLoss = 0
  readonly draw: () => number
  /** What is wrong; the first is what the run failed by. */
  readonly violations: string[] = []

  constructor(machine: Machine, setup: Setup) {
    this.machine = machine
    this.setup = setup
    this.disk = new Disk(machine)
    this.folder = new StoreFolder(machine)
    this.openShared = createMemorySharedStates()
    const random = machine.random.fork('site')
    this.draw = () => random.next()
  }

  /** Something does not hold. */
  broken(rule: string): void {
    if (this.violations.length < 20) this.violations.push(rule)
    this.machine.tell(`BROKEN: ${rule}`)
  }

  /** Folder of the log of a host. */
  logFolder(host: string): string {
    return this.setup.states === 'owned' ? '/log' : `/log-${host}`
  }

  logOf(process: SimulatedProcess | undefined): string {
    return this.logFolder(process?.host ?? '')
  }

  logFolders(): string[] {
    return this.setup.states === 'owned' ? ['/log'] : ['/log-a', '/log-b']
  }

  isAlive(processId: number): boolean {
    return this.servers.some(({ process }) => process.id === processId && process.state !== 'dead')
  }

  /** Servers whose process lives, standing still or not. */
  living(): Server[] {
    return this.servers.filter(({ process }) => process.state !== 'dead')
  }

  kill(server: Server, why: string): void {
    if (server.process.state === 'dead') return
    this.machine.tell(`${why}: process ${server.process.id} of ${server.host} ends`)
    this.machine.end(server.process)
    this.disk.processEnds(server.process)
    server.service = undefined
  }

  /** The machine of all loses its power. */
  losePower(): void {
    this.machine.tell('the power fails')
    for (const server of this.living()) this.kill(server, 'power')
    if (this.setup.durability === 'process') this.isLossy = true
    this.disk.losePower()
    this.folder.losePower()
  }
}

let current: Site | undefined

export const useSite = (site: Site | undefined): void => {
  current = site
}

export const theSite = (): Site => {
  if (current === undefined) throw new Error('no simulation is under way')
  return current
}
