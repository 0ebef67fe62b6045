import { VigiaError } from '../../errors.ts'
import { HISTORY_LOST, lossText } from '../../ports/history-loss.ts'
import type { KnownHistory, StoreHistory } from '../../ports/state-store.ts'
import type { RedisConnection, RedisReply, RedisWord } from './redis-connection.ts'
import { BEGIN, FILLER_MARK, LOOK, LOSS_MARK, type Script, WRITE } from './redis-scripts.ts'

/** Keys of the check, which every script and every read has first. */
interface HistoryNames {
  readonly history: string
  readonly sequence: string
  readonly filler: string
}

export interface RedisHistoryParts {
  readonly connection: RedisConnection
  readonly names: HistoryNames
  /** For people. */
  readonly store: string
  /** How long nothing is committed on a server that has taken over, in milliseconds. */
  readonly compareMs: number
}

/**
 * What this process expects of the store: which history, and the highest number that it has seen; or that it
 * is the one that fills it.
 *
 * It owns that number, and sends it with every call. What is read is read together with the store's own
 * number, in one command; what is written is written by scripts that look first. So no answer is of a store
 * that was emptied or set back.
 */
export class RedisHistory {
  private readonly connection: RedisConnection
  private readonly names: HistoryNames
  private readonly store: string
  private readonly compareMs: number
  /** Name of a history, or of this process as the filler; empty: nothing. */
  private expected = ''
  private highest = 0

  constructor({ connection, names, store, compareMs }: RedisHistoryParts) {
    this.connection = connection
    this.names = names
    this.store = store
    this.compareMs = compareMs
  }

  /** Highest number that was seen, inclusive. */
  get knownSequence(): number {
    return this.highest
  }

  /** @throws SERVING_HISTORY_LOST */
  async expect({ name, lastSequence }: KnownHistory): Promise<void> {
    this.expected = name
    this.highest = lastSequence
    await this.look()
  }

  /** From now on all that this process asks for is refused unless it still is the one that fills it. */
  fill(token: string): void {
    this.expected = `${FILLER_MARK}${token}`
    this.highest = 0
  }

  get isFilling(): boolean {
    return this.expected.startsWith(FILLER_MARK)
  }

  /** This process expects nothing any more. */
  forget(): void {
    this.expected = ''
    this.highest = 0
  }

  /** A number that the store has given. */
  saw(sequence: number): void {
    this.highest = Math.max(this.highest, sequence)
  }

  /** @throws SERVING_HISTORY_LOST when the store is not the one that is expected; then it is marked. */
  async look(connection = this.connection): Promise<void> {
    await this.mget([], connection)
  }

  /**
   * The values of keys, all of one moment in which the store was as it is expected.
   *
   * @throws SERVING_HISTORY_LOST
   */
  async mget(keys: readonly string[], connection = this.connection): Promise<readonly (Buffer | null)[]> {
    // The store must have what was seen before the question, whatever is seen until it answers.
    const known = this.highest
    const reply = await connection.send(['MGET', this.whose, this.names.sequence, ...keys])
    const [name, sequence, ...values] = reply as readonly (Buffer | null)[]
    const last = numberOf(sequence)
    if (this.expected !== '' && (String(name) !== this.expected || last < known)) {
      await this.run(LOOK, [], [])
      // It was put right between the two.
      return this.mget(keys, connection)
    }
    this.saw(last)
    return values
  }

  /**
   * Runs a script that looks first.
   *
   * @returns what it answers, its first word as text
   * @throws SERVING_HISTORY_LOST
   */
  async run(
    script: Script,
    keys: readonly string[],
    values: readonly RedisWord[],
  ): Promise<readonly [outcome: string, ...values: RedisReply[]]> {
    const known = this.highest
    const reply = (await this.connection.run(
      script,
      [this.whose, this.names.sequence, ...keys],
      [this.expected, String(known), ...values],
    )) as readonly RedisReply[]
    if (String(reply[0]) === 'replaced')
      throw new VigiaError('SERVING_FILLER_REPLACED', { store: this.store })
    if (String(reply[0]) === 'lost') throw this.lost(String(reply[1]), reply[2] as number, known)
    return [String(reply[0]), ...reply.slice(1)]
  }

  /**
   * Does commands in one step, if the store is as it is expected.
   *
   * @param keys all that they write @throws SERVING_HISTORY_LOST, SERVING_FILLER_REPLACED
   */
  async write(keys: readonly string[], commands: readonly (readonly RedisWord[])[]): Promise<void> {
    if (commands.length === 0) return
    await this.run(
      WRITE,
      keys,
      commands.flatMap((words) => [String(words.length), ...words]),
    )
  }

  /**
   * A server that has just taken over may lack what other processes know to have been given: they look first.
   *
   * @throws SERVING_STORE_FAILED
   */
  waitForOthers(): void {
    if (this.expected === '' || this.connection.sinceChangeMs() >= this.compareMs) return
    throw new VigiaError('SERVING_STORE_FAILED', {
      store: this.store,
      reason: `it was started again or has taken over: for ${this.compareMs} ms all servers compare what they know with what it has`,
    })
  }

  async read(): Promise<StoreHistory> {
    const reply = await this.connection.send(['MGET', this.names.history, this.names.sequence])
    const [stored, sequence] = reply as readonly (Buffer | null)[]
    const name = stored === null ? undefined : String(stored)
    const lastSequence = numberOf(sequence)
    return name?.startsWith(LOSS_MARK)
      ? { name: undefined, lastSequence, loss: markText(name) }
      : { name, lastSequence, loss: '' }
  }

  async begin({ name, lastSequence }: KnownHistory, replaces: boolean): Promise<boolean> {
    const keys = [this.names.history, this.names.sequence]
    return (await this.connection.run(BEGIN, keys, [name, String(lastSequence), replaces ? '1' : '0'])) === 1
  }

  /** Key that says what is expected. */
  private get whose(): string {
    return this.isFilling ? this.names.filler : this.names.history
  }

  private lost(stored: string, found: number, known: number): VigiaError {
    const reason = stored.startsWith(LOSS_MARK)
      ? markText(stored)
      : lossText(stored, found, { name: this.expected, lastSequence: known })
    return new VigiaError(HISTORY_LOST, { store: this.store, reason })
  }
}

const numberOf = (stored: Buffer | null | undefined): number => Number(stored ?? 0)

/** What a mark says: name and number that a process expected, and the number that it found, -1 for none. */
const markText = (mark: string): string => {
  const [name = '', known = '0', found = '-1'] = mark.slice(LOSS_MARK.length).split(' ')
  const isEmpty = found === '-1'
  const expected = { name, lastSequence: Number(known) }
  return lossText(isEmpty ? undefined : name, isEmpty ? 0 : Number(found), expected)
}
