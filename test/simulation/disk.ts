import type { Machine, SimulatedProcess } from './machine.ts'

/** What a disk does to calls for a while. */
export type DiskTrouble = 'full' | 'failing' | 'slow' | 'stuck'

/** Bytes that reach a disk together. */
const PAGE_BYTES = 4096

/** A file, under whatever names. What was written is in the memory of the machine until it is synced. */
export class Inode {
  bytes: Buffer = Buffer.alloc(0)
  /** What a power failure leaves for certain. */
  synced: Buffer = Buffer.alloc(0)

  write(from: number, bytes: Uint8Array): void {
    const end = from + bytes.length
    if (end > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(end - this.bytes.length)])
    else if (this.bytes === this.synced) this.bytes = Buffer.from(this.bytes)
    this.bytes.set(bytes, from)
  }

  truncate(size: number): void {
    this.bytes =
      size <= this.bytes.length
        ? Buffer.from(this.bytes.subarray(0, size))
        : Buffer.concat([this.bytes, Buffer.alloc(size - this.bytes.length)])
  }

  sync(): void {
    this.synced = this.bytes
    // The next write makes a copy.
    this.bytes = Buffer.from(this.synced)
  }

  /** Each page that was not synced is there or is not, and the last one may be cut anywhere. */
  losePower(draw: () => number): void {
    const { bytes, synced } = this
    const longest = Math.max(bytes.length, synced.length)
    let size = draw() < 0.5 ? bytes.length : synced.length
    if (bytes.length > synced.length && draw() < 0.5)
      size = synced.length + Math.floor(draw() * (bytes.length - synced.length))
    const left = Buffer.alloc(longest)
    for (let page = 0; page < longest; page += PAGE_BYTES) {
      const end = page + PAGE_BYTES
      const is = draw() < 0.6 ? bytes : synced
      left.set(is.subarray(page, Math.min(end, is.length)), page)
      // Bytes before the end of what was synced are not lost by being written again as they were.
    }
    this.bytes = Buffer.from(left.subarray(0, size))
    this.synced = this.bytes
  }
}

export type Entry = Inode | 'folder'
/** What a path means after a call; undefined: nothing. */
type Rename = readonly (readonly [path: string, entry: Entry | undefined])[]

/**
 * The disk of one machine: names and files in memory, and what of them is safe from a power failure.
 *
 * Names are journaled, as file systems do: after a power failure those changes are there that were synced by
 * their folder, and of the later ones the first few, in order. Contents are not journaled.
 */
export class Disk {
  readonly machine: Machine
  readonly names = new Map<string, Entry>([['/', 'folder']])
  private syncedNames = new Map<string, Entry>(this.names)
  private journal: Rename[] = []
  private readonly open = new Map<
    number,
    { readonly inode: Inode; readonly process: SimulatedProcess | undefined }
  >()
  private nextFile = 10
  /** Calls that are not waited for, and what becomes of them when their process ends. */
  private readonly underWay = new Set<{
    readonly process: SimulatedProcess | undefined
    readonly end: () => void
  }>()
  trouble: DiskTrouble | undefined
  private readonly draw: () => number

  constructor(machine: Machine) {
    this.machine = machine
    const random = machine.random.fork('disk')
    this.draw = () => random.next()
  }

  /** A call begins that is waited for: the process may end here, and the disk may be in trouble. */
  enter(call: string, isWriting = false): void {
    this.machine.point()
    if (this.trouble === undefined || !isWriting) return
    const error = this.troubleOf(call)
    if (error !== undefined) throw error
    // The whole process stands still meanwhile.
    if (this.trouble === 'slow') this.machine.nowMs += this.draw() * 300
  }

  /** How long a call takes that is not waited for. */
  private latencyMs(): number {
    if (this.trouble === 'stuck') return 4000 + this.draw() * 12_000
    if (this.trouble === 'slow') return this.draw() * 2000
    return this.draw() < 0.9 ? this.draw() * 2 : this.draw() * 40
  }

  change(...changes: [path: string, entry: Entry | undefined][]): void {
    for (const [path, entry] of changes) {
      if (entry === undefined) this.names.delete(path)
      else this.names.set(path, entry)
    }
    this.journal.push(changes)
  }

  /** Brings all names to the disk. */
  syncNames(): void {
    this.syncedNames = new Map(this.names)
    this.journal = []
  }

  losePower(): void {
    const kept = Math.floor(this.draw() * (this.journal.length + 1))
    for (const changes of this.journal.slice(0, kept))
      for (const [path, entry] of changes) {
        if (entry === undefined) this.syncedNames.delete(path)
        else this.syncedNames.set(path, entry)
      }
    this.names.clear()
    for (const [path, entry] of this.syncedNames) this.names.set(path, entry)
    this.journal = []
    for (const inode of new Set(this.names.values())) if (inode !== 'folder') inode.losePower(this.draw)
    this.open.clear()
  }

  handleOf(inode: Inode): number {
    const file = this.nextFile++
    this.open.set(file, { inode, process: this.machine.process })
    return file
  }

  inodeOf(file: number, call: string): Inode {
    const found = this.open.get(file)
    if (found === undefined) throw failure('EBADF', call)
    return found.inode
  }

  isOpen(file: number): boolean {
    return this.open.has(file)
  }

  closeHandle(file: number): void {
    this.open.delete(file)
  }

  fileAt(path: string, call: string): Inode {
    const entry = this.names.get(path)
    if (entry === undefined) throw failure('ENOENT', call, path)
    if (entry === 'folder') throw failure('EISDIR', call, path)
    return entry
  }

  namesIn(path: string): string[] {
    const prefix = path.endsWith('/') ? path : `${path}/`
    const found: string[] = []
    for (const name of this.names.keys())
      if (name.startsWith(prefix) && name.length > prefix.length && !name.includes('/', prefix.length))
        found.push(name.slice(prefix.length))
    return found.sort()
  }

  /**
   * Does `work` as the kernel of the machine does it: some time later, whatever has become of the process.
   *
   * @param interrupted what is left of it when it fails, or when its process ends meanwhile
   */
  later<T>(name: string, isWriting: boolean, work: () => T, interrupted = (): void => undefined): Promise<T> {
    const { machine } = this
    // What a dead process waits for never comes.
    if (!machine.pointOrEnd(name === 'fdatasync')) return new Promise(() => undefined)
    const { process } = machine
    return new Promise<T>((resolve, reject) => {
      const settle = (done: () => void): void => void machine.after(0, done, process ?? null)
      const finish = (): void => {
        this.underWay.delete(call)
        const error = isWriting ? this.troubleOf(name) : undefined
        if (error !== undefined) {
          interrupted()
          settle(() => reject(error))
          return
        }
        try {
          const result = work()
          settle(() => resolve(result))
        } catch (thrown) {
          settle(() => reject(thrown as Error))
        }
      }
      const due = machine.after(this.latencyMs(), finish, null)
      // Done, or not, or in part, by the time at which the process is gone.
      const end = (): void => {
        due.isOff = true
        const drawn = this.draw()
        try {
          if (drawn < 0.4) work()
          else if (drawn < 0.6) interrupted()
        } catch {
          // Nobody is told.
        }
      }
      const call = { process, end }
      this.underWay.add(call)
    })
  }

  /** What a process has under way when it ends is over before anybody takes its place. */
  processEnds(process: SimulatedProcess): void {
    for (const call of this.underWay) {
      if (call.process !== process) continue
      this.underWay.delete(call)
      call.end()
    }
  }

  /** How a writing call fails now, if it does. */
  private troubleOf(call: string): Error | undefined {
    if (this.trouble === 'full') return failure('ENOSPC', call)
    return this.trouble === 'failing' && this.draw() < 0.5 ? failure('EIO', call) : undefined
  }
}

/** What the file system says. */
export const failure = (code: string, call: string, path = ''): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${call} ${path}`), { code, syscall: call, path })
