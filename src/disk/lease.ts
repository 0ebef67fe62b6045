import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import {
  beatText,
  forgetLock,
  highestLock,
  type LeaseClocks,
  type LockHolder,
  type LockRequest,
  namedByHighest,
  type TakenFrom,
  type TakenLock,
  takeNext,
  tokenOfLock,
} from './numbered-lock.ts'

/** Until when a holder may go without a heartbeat, and how often it beats. */
export interface LeaseTimes {
  readonly leaseMs: number
  readonly beatMs: number
}

/**
 * A folder that this process holds for as long as its heart beats.
 *
 * Who waits for the folder takes it over when the beat has stood still for the lease and `MARGIN_MS`, by the
 * waiter's own monotonic clock. The holder counts from the moment before it began to write a beat, so at its
 * own end of the lease nobody can have the folder yet, whatever the two clocks show. So a holder that asks
 * `check` before and after it writes knows that nobody else had the folder while it wrote.
 */
export interface Lease {
  /** What the folder was taken from: after `silent` the holder before may wake up and go on writing. */
  readonly from: TakenFrom
  /**
   * Makes sure that the folder is still this process's own. A lease that has run out, as when the process
   * stood still, is taken again when nobody has taken it since.
   *
   * @throws what `lost` of its request makes, always once the lease is lost; what the file system says
   */
  check(): void
  /**
   * The part of `check` that costs no call of the file system: whether the lease has run out. Enough before a
   * write that `check` follows.
   */
  checkTime(): void
  /** Gives the folder back, if it is still this process's own. */
  release(): void
}

/** How a lease is held. */
export interface LeaseOptions {
  readonly request: LockRequest
  readonly taken: TakenLock
  readonly from: TakenFrom
  /** `clocks.monotonicMs()` and `wallMs()` before the lock was made. */
  readonly since: Moment
  readonly times: LeaseTimes
  readonly clocks: LeaseClocks
  /** Makes an error of who has the folder now; undefined: nobody knows. */
  readonly lost: (holder: LockHolder | undefined, reason: string) => Error
  /** Told once when the lease is lost. */
  readonly onLost?: (error: Error) => void
}

/** One moment by two clocks. */
export interface Moment {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** How much longer than the lease a waiter waits: for clocks that run at unequal speed. */
export const MARGIN_MS = 1000

/** This moment. */
export const momentOf = (clocks: LeaseClocks): Moment => ({
  monotonicMs: clocks.monotonicMs(),
  wallMs: clocks.wallMs(),
})

/** Begins to beat for a lock that was just taken. */
export const holdLease = (options: LeaseOptions): Lease => new HeldLease(options)

class HeldLease implements Lease {
  private readonly options: LeaseOptions
  private readonly stopBeating: () => void
  private lock: TakenLock
  /** When the last beat that arrived was begun. */
  private since: Moment
  private beats = 0
  private isBeating = false
  private isReleased = false
  private failure: Error | undefined

  constructor(options: LeaseOptions) {
    this.options = options
    this.lock = options.taken
    this.since = options.since
    this.stopBeating = options.clocks.every(options.times.beatMs, () => this.beat())
  }

  get from(): TakenFrom {
    return this.options.from
  }

  check(): void {
    this.checkTime()
    // Whoever takes over removes it.
    if (!this.isReleased && !existsSync(this.lock.path)) this.lose('its lock is gone')
    if (this.failure !== undefined) throw this.failure
  }

  checkTime(): void {
    if (this.failure !== undefined) throw this.failure
    if (!this.isReleased && this.hasRunOut()) this.takeAgain()
    if (this.failure !== undefined) throw this.failure
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.stopBeating()
    if (this.failure === undefined) this.lock.release()
  }

  /**
   * A clock that stood still while the machine slept says too little, so either clock may say it; a wall
   * clock that was put forward costs a new number, no more.
   */
  private hasRunOut(): boolean {
    const { clocks, times } = this.options
    const now = momentOf(clocks)
    return (
      now.monotonicMs - this.since.monotonicMs >= times.leaseMs ||
      now.wallMs - this.since.wallMs >= times.leaseMs
    )
  }

  private takeAgain(): void {
    const since = momentOf(this.options.clocks)
    const next = takeNext(this.options.request, this.lock)
    if (next === undefined) {
      this.lose('it stood still for longer than its lease')
      return
    }
    this.lock = next
    this.beats = 0
    this.since = since
  }

  private async beat(): Promise<void> {
    if (this.isBeating || this.isReleased || this.failure !== undefined) return
    this.isBeating = true
    try {
      if (this.hasRunOut()) this.takeAgain()
      else await this.writeBeat()
    } catch {
      // The disk does not answer: the next beat tries again, and the lease may run out.
    } finally {
      this.isBeating = false
    }
  }

  private async writeBeat(): Promise<void> {
    const since = momentOf(this.options.clocks)
    const { lock } = this
    const isOwn = await writeInto(lock, beatText(++this.beats))
    // It may have been released, or taken again, meanwhile.
    if (this.isReleased || this.lock !== lock) return
    if (isOwn && highestLock(this.options.request) === lock.number) this.since = since
    else this.lose('another process has taken it')
  }

  private lose(reason: string): void {
    if (this.failure !== undefined) return
    forgetLock(this.lock.path)
    this.stopBeating()
    this.failure = this.options.lost(this.holderNow(), reason)
    this.options.onLost?.(this.failure)
  }

  private holderNow(): LockHolder | undefined {
    try {
      return namedByHighest(this.options.request)
    } catch {
      return undefined
    }
  }
}

/** Longer than any lock is. */
const MOST_BYTES = 4096

/**
 * Replaces the beat in the file of a lock, and nothing else: a file that was removed or replaced since it was
 * opened is not made again. @returns whether the file was still this lock
 */
const writeInto = async ({ path, token, beatAt = 0 }: TakenLock, beat: string): Promise<boolean> => {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0)
    if (tokenOfLock(buffer.toString('utf8', 0, bytesRead)) !== token) return false
    await file.write(beat, beatAt)
    return true
  } finally {
    await file.close()
  }
}

/** The clocks of this machine. */
export const MACHINE_CLOCKS: LeaseClocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  every: (ms, beat) => {
    const timer = setInterval(() => void beat(), ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}
