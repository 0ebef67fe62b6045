import type { FolderOwner, LeaseClocks } from './numbered-lock.ts'

/** A process of a test, which lives, stands still or is dead, in simulated time. */
export interface SimulatedProcess {
  readonly owner: FolderOwner
  /** From now on its timers do nothing, as of a process that is stopped or was killed. */
  freeze(): void
  /** Its timers go on. */
  thaw(): void
  /** `freeze`, and whoever shares its process space knows it. */
  die(): void
}

/**
 * Processes over one simulated time, which passes when one of them waits. A machine's own sleep is played by
 * `passWallTime`: the monotonic clock stands still.
 */
export class SimulatedProcesses {
  /** Milliseconds by the monotonic clock of all. */
  private nowMs = 0
  private sleptMs = 0
  private readonly timers = new Set<{
    readonly ms: number
    nextMs: number
    readonly beat: () => Promise<void>
    readonly isRunning: () => boolean
  }>()

  /** @param fields of its owner; the process space is `space` unless they say another */
  start(fields: Partial<FolderOwner> & Pick<FolderOwner, 'processId'>): SimulatedProcess {
    let isFrozen = false
    const { dead } = this
    const clocks: LeaseClocks = {
      monotonicMs: () => this.nowMs,
      wallMs: () => this.nowMs + this.sleptMs,
      pause: (ms) => this.pass(ms),
      every: (ms, beat) => {
        const timer = { ms, nextMs: this.nowMs + ms, beat, isRunning: () => !isFrozen }
        this.timers.add(timer)
        return () => this.timers.delete(timer)
      },
    }
    return {
      owner: {
        host: 'here',
        processSpace: 'space',
        isAlive: (processId) => !dead.has(processId),
        clocks,
        ...fields,
      },
      freeze: () => {
        isFrozen = true
      },
      thaw: () => {
        isFrozen = false
      },
      die: () => {
        isFrozen = true
        dead.add(fields.processId)
      },
    }
  }

  /** Time passes, and the timers of living processes do their work. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    for (;;) {
      const due = [...this.timers].sort((a, b) => a.nextMs - b.nextMs)[0]
      if (due === undefined || due.nextMs > endMs) break
      this.nowMs = Math.max(this.nowMs, due.nextMs)
      due.nextMs = this.nowMs + due.ms
      if (due.isRunning()) await due.beat()
    }
    this.nowMs = endMs
  }

  /** The machine sleeps, or its wall clock is put forward. */
  passWallTime(ms: number): void {
    this.sleptMs += ms
  }

  /** Milliseconds that have passed by the monotonic clock. */
  get elapsedMs(): number {
    return this.nowMs
  }

  private readonly dead = new Set<number>()
}
