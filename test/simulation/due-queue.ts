/** A process of the simulation: what it has begun is remembered by it, so that it ends with it. */
export interface SimulatedProcess {
  readonly id: number
  readonly host: string
  state: 'running' | 'frozen' | 'dead'
  /** What came while it stood still. */
  readonly held: Due[]
  /** Its immediates come one after the other. */
  lastImmediateMs: number
}

/** Something that will be done at its time. */
export interface Due {
  atMs: number
  /** Of those that are due at the same time the lowest comes first. */
  readonly order: number
  readonly number: number
  readonly run: () => void
  readonly process: SimulatedProcess | undefined
  /** It was taken back. */
  isOff: boolean
}

/** What is due, earliest first: a binary heap. */
export class DueQueue {
  private readonly heap: Due[] = []
  private count = 0

  add(atMs: number, order: number, run: () => void, process: SimulatedProcess | undefined): Due {
    const due: Due = { atMs, order, number: this.count++, run, process, isOff: false }
    this.push(due)
    return due
  }

  /** Adds one again that was taken out. */
  again(due: Due, atMs: number): void {
    due.atMs = Math.max(due.atMs, atMs)
    this.push(due)
  }

  /** When the earliest is due; undefined when nothing is. */
  get nextMs(): number | undefined {
    return this.heap[0]?.atMs
  }

  /** Takes the earliest out. */
  next(): Due | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }

  private push(due: Due): void {
    const { heap } = this
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(due, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }
}

const isBefore = (a: Due, b: Due): boolean =>
  a.atMs !== b.atMs ? a.atMs < b.atMs : a.order !== b.order ? a.order < b.order : a.number < b.number
