import { tokenOf } from '../transaction/token.ts'

/**
 * Names that are held: a record that comes again does so within moments, of a process that was killed before
 * it could say that it had moved it.
 */
const MOST_NAMES = 32_768
/** Names that are saved: a process has no more records under way than it moves at a time, twice as many. */
const MOST_SAVED = 512

/**
 * The latest records of a log of states that many share. A process that was killed may have moved records
 * from the store to its log and not said so: they are moved again, and count once.
 */
export class RecentRecords {
  private readonly names: Set<string>

  constructor(names: Iterable<string> = []) {
    this.names = new Set(names)
  }

  /** Whether a decision has come before; it has from now on. */
  isRepeated(sequence: number, transactionId: string): boolean {
    const name = `${sequence} ${tokenOf(transactionId).toString(36)}`
    if (this.names.has(name)) return true
    this.names.add(name)
    if (this.names.size > MOST_NAMES) this.names.delete(this.names.values().next().value!)
    return false
  }

  /** The latest ones, which a file keeps. */
  latest(): readonly string[] {
    return [...this.names].slice(-MOST_SAVED)
  }
}
