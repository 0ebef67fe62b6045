import { createRandom, type Random } from '../../src/foundation/random.ts'
import { type Due, DueQueue, type SimulatedProcess } from './due-queue.ts'

export type { SimulatedProcess }

/**
 * Thrown into the code of a process that ended in the middle of a call. Nobody is left who could catch it.
 */
export class ProcessEnded extends Error {}

/** What may happen at any point of a run. */
export interface PointWatch {
  /** Called before each turn of a process and each call of its disk. */
  reached(point: number, process: SimulatedProcess): void
  /** Called when a process begins to bring a file to the disk. */
  syncing(sync: number, process: SimulatedProcess): void
}

const turnOfNode = globalThis.setImmediate

/**
 * One simulated machine room: time, and whose turn it is. Everything that the simulated parts wait for comes
 * back through `after`, so the order of a run is a function of its seed.
 *
 * 1. Between two turns all promises that can settle have settled.
 * 2. Within a turn `process` is the process whose code runs; whatever is begun in it belongs to that one.
 * 3. A dead process has no further turns, one that stands still has them when it wakes up.
 */
export class Machine {
  readonly random: Random
  /** Monotonic, milliseconds, the same for all processes. */
  nowMs = 1000
  /** What the clocks of the wall show beyond it. */
  wallAheadMs: number
  process: SimulatedProcess | undefined
  /** Turns and disk calls so far. */
  points = 0
  /** Files that were brought to the disk so far. */
  syncs = 0
  watch: PointWatch | undefined
  readonly story: string[] = []
  private readonly queue = new DueQueue()
  private readonly order: Random
  private names = 0
  private nextProcess = 1

  constructor(seed: string, startMs: number) {
    this.random = createRandom(seed)
    this.order = this.random.fork('order')
    this.wallAheadMs = startMs - this.nowMs
  }

  get wallMs(): number {
    return Math.floor(this.nowMs + this.wallAheadMs)
  }

  start(host: string): SimulatedProcess {
    return { id: this.nextProcess++, host, state: 'running', held: [], lastImmediateMs: 0 }
  }

  /** Writes a line of the history of this run, which its hash is made of. */
  tell(line: string): void {
    this.story.push(
      `${this.nowMs.toFixed(3)} ${this.process === undefined ? '-' : `p${this.process.id}`} ${line}`,
    )
  }

  /** A name that nobody else has. */
  newName(): string {
    return `${(++this.names).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
  }

  /**
   * Does `run` so much later, as a turn of `process`; null: of the world around. @returns what takes it
   * back
   */
  after(delayMs: number, run: () => void, process: SimulatedProcess | null | undefined = this.process): Due {
    return this.queue.add(this.nowMs + delayMs, this.order.next(), run, process ?? undefined)
  }

  /** The same as soon as may be, in the order of the calls of one process. */
  immediately(run: () => void): Due {
    const { process } = this
    const delayMs = this.order.next() * 0.02
    if (process === undefined) return this.after(delayMs, run)
    process.lastImmediateMs = Math.max(process.lastImmediateMs + 1e-6, this.nowMs + delayMs)
    return this.queue.add(process.lastImmediateMs, 0, run, process)
  }

  /** Resolves so much later, in a turn of `process`. */
  pause(delayMs: number, process = this.process): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve, process))
  }

  /** A point at which something may happen to the process whose turn it is. */
  point(): void {
    const { process } = this
    if (process === undefined) return
    if (process.state === 'dead') throw new ProcessEnded('it ended')
    this.watch?.reached(++this.points, process)
    // The watch may have ended it.
    if ((process.state as string) === 'dead') throw new ProcessEnded('it ended')
  }

  /** The same for calls that are not waited for. @returns whether the process lives */
  pointOrEnd(isSync = false): boolean {
    if (this.process === undefined) return true
    if (this.process.state !== 'dead') this.watch?.reached(++this.points, this.process)
    if (isSync && (this.process.state as string) !== 'dead') this.watch?.syncing(++this.syncs, this.process)
    return (this.process.state as string) !== 'dead'
  }

  freeze(process: SimulatedProcess): void {
    if (process.state === 'running') process.state = 'frozen'
  }

  thaw(process: SimulatedProcess): void {
    if (process.state !== 'frozen') return
    process.state = 'running'
    for (const due of process.held.splice(0)) if (!due.isOff) this.queue.again(due, this.nowMs)
  }

  end(process: SimulatedProcess): void {
    process.state = 'dead'
    process.held.length = 0
  }

  /** Turn by turn until `isOver`, or until so much time has passed. @returns whether it is over */
  async run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      if (isOver()) return true
      if ((this.queue.nextMs ?? Number.POSITIVE_INFINITY) > untilMs) return isOver()
      const due = this.queue.next()!
      this.nowMs = Math.max(this.nowMs, due.atMs)
      await this.turn(due)
    }
  }

  private async turn(due: Due): Promise<void> {
    const { process } = due
    if (due.isOff || process?.state === 'dead') return
    if (process?.state === 'frozen') {
      process.held.push(due)
      return
    }
    this.process = process
    try {
      this.point()
      due.run()
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error
    }
    await new Promise<void>((resolve) => turnOfNode(resolve))
    this.process = undefined
  }
}

/** The machine whose run is under way; the stand-ins of Node's modules ask it. One at a time. */
let current: Machine | undefined

export const useMachine = (machine: Machine | undefined): void => {
  current = machine
}

export const theMachine = (): Machine => {
  if (current === undefined) throw new Error('no simulation is under way')
  return current
}

/** Whether a simulation is under way. */
export const isSimulating = (): boolean => current !== undefined
