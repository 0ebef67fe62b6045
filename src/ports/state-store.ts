import type { ByKind, EntityKind } from '../transaction/entity-kind.ts'
import type { FilledByOne } from './store-filling.ts'

/** Names one state: the kind of entity and the token of its id (`tokenOf`). */
export interface EntityKey {
  readonly kind: EntityKind
  readonly token: number
}

/** A state as it is stored, and the version by which a later write proves that it saw this one. */
export interface StoredState {
  readonly bytes: Uint8Array
  /** 1 for the first write of a key, then one more with each. */
  readonly version: number
}

/** One write: `expected` is the version that was read, 0 for a key that had no state. */
export interface StateChange {
  readonly key: EntityKey
  readonly bytes: Uint8Array
  readonly expected: number
  /**
   * In a commit: how long the state stays, in milliseconds, unless it is written again. Left out: until then.
   */
  readonly lifeMs?: number
}

/** A state that goes: `expected` is the version that was read. */
export type StateRemoval = Pick<StateChange, 'key' | 'expected'>

/**
 * What is remembered of a thing that was done once and must not be done again: the decision on a transaction,
 * a label.
 */
export interface Receipt {
  /**
   * At most 512 bytes of UTF-8; its kind is part of it, so that a label's receipt is not its transaction's.
   */
  readonly id: string
  readonly bytes: Uint8Array
}

/**
 * Where entity states live between transactions.
 *
 * Laws, which `stateStoreLaws` (`testing/state-store-laws.ts`) holds every implementation to:
 * 1. `load` answers in the order of its keys, undefined where there is no state, with bytes that later writes
 *    do not change.
 * 2. `save` writes all changes and receipts or none, and none when any key's version is not the expected one.
 * 3. Of saves that expect the same version of one key, exactly one succeeds, whoever makes them.
 * 4. A receipt is found by its id alone; one that is saved again replaces the earlier one.
 * 5. What was saved before the process was killed is there after it is started again, except in the memory
 *    store.
 * 6. `entries` gives each state of a kind once, also one that is written meanwhile; `count` tells how
 *    many there are. Any kind may come: it needs no announcement.
 * 7. A note is read as it was written last, and is no receipt.
 * 8. Sweeps look at each receipt, and remove the expired ones only.
 * 9. A cleared store is an empty one.
 *
 * A store may bring what was saved to the disk later, in its order: then a power failure sets it back to an
 * earlier save. Who removes what the states could be made from again waits for `flush` first.
 */
export interface StateStore {
  load(keys: readonly EntityKey[]): Promise<readonly (StoredState | undefined)[]>
  /**
   * @param removed states that go in the same write; only of stores that have `statesAfter`
   * @returns whether everything was written; if not, load again and repeat the work.
   */
  save(
    changes: readonly StateChange[],
    receipts?: readonly Receipt[],
    removed?: readonly StateRemoval[],
  ): Promise<boolean>
  /**
   * Up to `most` states of a kind in the order of their tokens, those after `after` (from the first one
   * without it). Absent where states are not removed one by one.
   */
  statesAfter?(
    kind: EntityKind,
    after: number | undefined,
    most: number,
  ): Promise<readonly ({ readonly token: number } & StoredState)[]>
  /** The receipt of that id; undefined when there is none, or no longer. */
  findReceipt(id: string): Promise<Uint8Array | undefined>
  /**
   * Looks at up to `most` receipts in the order of their ids, those after `after` (from the first one without
   * it), and removes the expired.
   *
   * @returns the last id it looked at; undefined at the end, and where receipts expire by themselves
   */
  sweepReceipts(
    after: string | undefined,
    most: number,
    isExpired: (id: string, bytes: Uint8Array) => boolean,
  ): Promise<string | undefined>
  /** A small named text about the states: what they belong to, how much of the log is in them. */
  readNote(name: string): Promise<string | undefined>
  writeNote(name: string, text: string): Promise<void>
  /** All states of one kind, each once, in any order; for inspection and verification. */
  entries(kind: EntityKind): AsyncIterable<{ readonly token: number } & StoredState>
  /** How many states of each kind there are: of the standard kinds, and of every other that has any. */
  count(): Promise<ByKind<number>>
  /** Forgets all states, receipts and notes. */
  clear(): Promise<void>
  /**
   * Resolves when everything that was saved before is as safe as it will be: on the disk, where the store
   * is on
   * this machine.
   */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * What a store had at one moment, whatever is written to it meanwhile. Until `close` it may cost the store
 * room: what is replaced is kept.
 */
export interface StatesView extends Pick<StateStore, 'load' | 'findReceipt'> {
  /** Kinds of which there may be states. */
  readonly kinds: readonly EntityKind[]
  /** All states of a kind, ascending by token; the bytes are valid until the next one is asked for. */
  entries(kind: EntityKind): AsyncIterable<{ readonly token: number } & StoredState>
  /** Receipts whose ids begin with `prefix`, ascending by id. */
  receipts(prefix: string): AsyncIterable<Receipt>
  close(): void
}

/** A store of one process, which can be looked at as it was at one moment. */
export interface OwnedStateStore extends StateStore {
  view(): Promise<StatesView>
}

/** A copy of a store's states, as they were at one moment; what it says of the log. */
export interface StatesCopy extends Pick<StateStore, 'readNote'> {
  readonly states: number
  readonly receipts: number
  /** Receipts whose ids begin with `log/` alone. */
  findReceipt(id: string): Promise<Uint8Array | undefined>
}

/** An entry that waits in a shared store until some process has written it to its log. */
export interface OutboxEntry {
  readonly sequence: number
  readonly bytes: Uint8Array
}

/**
 * What `commit` came to. `conflict`: a state has another version, load again. `repeated`: there is a receipt,
 * here it is. `due`: labels are due before that transaction, deliver them first. `otherwise`: something that
 * it is to replace, or that must not be there, is otherwise by now. `full`: as many labels wait as may.
 */
export type CommitOutcome =
  | ({ readonly outcome: 'committed'; readonly sequence: number } & CommittedLabels)
  | { readonly outcome: 'conflict' | 'due' | 'otherwise' | 'full' }
  | { readonly outcome: 'repeated'; readonly receipt: Uint8Array }

/** What a store says of labels when it has committed. */
export interface CommittedLabels {
  /** Labels that wait for their transaction. */
  readonly waitingLabels: number
  /** Those that have waited in vain, and were forgotten by this commit. */
  readonly expiredLabels: number
  /** Whether the label that waited for this transaction is due now. */
  readonly isLabelDue: boolean
}

/** A label that falls due by the clock of the transactions. */
export interface DueLabelEntry {
  /** When, epoch milliseconds; -Infinity for one whose transaction has come. */
  readonly dueMs: number
  /** Of equally due ones, those with the lower text are first. It names the entry: no two have the same. */
  readonly text: string
}

/**
 * What a commit has to do with labels, beside its own receipt.
 *
 * - `arrival`: it decides on a transaction of this time. `label` is what its own label would say, `dueMs`
 *   when that is due; undefined: it has none. `waitingId`: receipt of a label that waits for it.
 * - `wait`: its receipt is that of a label which waits until `untilMs`, by a clock that says `nowMs`, unless
 *   the receipt `decisionId` is there, or `most` others wait.
 * - `delivery`: it delivers the due label `text`, which must be the first.
 * - `told`: what waits under `waitingId` waits no more.
 */
export type CommitLabels =
  | {
      readonly kind: 'arrival'
      readonly eventTimeMs: number
      readonly dueMs: number | undefined
      /** Without line feeds. */
      readonly label: string
      readonly waitingId: string
    }
  | {
      readonly kind: 'wait'
      readonly decisionId: string
      readonly untilMs: number
      readonly nowMs: number
      readonly most: number
    }
  | { readonly kind: 'delivery'; readonly text: string }
  | { readonly kind: 'told'; readonly waitingId: string }

/** What a commit demands beside the versions of its states; all is looked at before anything is written. */
export interface CommitDemands {
  /** The receipt that its own replaces, exactly as it was found; absent: there must be none. */
  readonly replaces?: Uint8Array | undefined
  readonly labels?: CommitLabels
}

/** Due labels, and the clock by which they are. */
export interface DueLabelsFound {
  /** Latest time of a transaction whose decision was committed, epoch milliseconds; -Infinity before. */
  readonly clockMs: number
  /** In the order in which they are to be delivered. */
  readonly labels: readonly DueLabelEntry[]
  /** Labels that wait for their transaction, as a commit says it. */
  readonly waitingLabels: number
}

/** Labels that are put into a store which is filled. */
export interface LabelsPutBack {
  readonly clockMs: number
  readonly due: readonly DueLabelEntry[]
  /** Receipts of labels that wait, as a commit keeps them. */
  readonly waiting: readonly (LivingReceipt & { readonly untilMs: number })[]
}

/** The beginning of a state as it is stored. */
export interface StateHead extends Pick<StoredState, 'version'> {
  readonly key: EntityKey
  /** Its first bytes, as many as were asked for, or all. */
  readonly head: Uint8Array
  /** Whether it was written with a life, so that it goes by itself. */
  readonly isLeaving: boolean
}

/** A part of a look through all states. */
export interface StatesSeen {
  readonly states: readonly StateHead[]
  /** Where the next part begins; undefined: this was the last one. */
  readonly next: string | undefined
}

/** First character of the text of a due label that a history had; then its place in it, of 16 digits. */
export const HISTORY_LABEL = '0'
/** First character of the text of one that a decision made; then the decision's number, of 16 digits. */
export const DECIDED_LABEL = '1'
/** Digits of those. */
export const LABEL_PLACE_DIGITS = 16

/** What a shared store says of the decisions that it holds. */
export interface StoreHistory {
  /**
   * Names all decisions made on these states, first part of their prediction ids; undefined: nothing was
   * decided here, or the store was emptied, or it is of a version that did not name it.
   */
  readonly name: string | undefined
  /** Number of the last commit, inclusive; 0 before the first. */
  readonly lastSequence: number
  /** What a process has found missing (law 15), for people; empty when nothing is. */
  readonly loss: string
}

/** What a shared store still has after its server was started again. */
export interface StorePersistence {
  /**
   * `log`: every write, or all but the last second. `snapshots`: what it had at the last one. `none`:
   * nothing. `unknown`: it does not say.
   */
  readonly kind: 'log' | 'snapshots' | 'none' | 'unknown'
  /** How it said so, for people. */
  readonly says: string
}

/** The part of a history that a process knows of. */
export interface KnownHistory {
  readonly name: string
  /** Highest number that is known to have been given, inclusive; 0: none. */
  readonly lastSequence: number
}

/** A receipt of a commit as the store keeps it (law 12), and what is left of its life. */
export interface LivingReceipt extends Receipt {
  /** Milliseconds, above 0. */
  readonly lifeMs: number
}

/**
 * A state store that several processes share, so that the order of what is done must come from it.
 *
 * Further laws (`sharedStateStoreLaws`, `testing/shared-state-store-laws.ts`):
 * 10. `commit` does all of it or nothing: states, receipt, outbox entry, and the next sequence number,
 *     counted from 1 without a gap.
 * 11. A commit whose receipt's id has one already changes nothing and answers with that one, even where
 *     versions differ too.
 * 12. The receipt of a commit is kept with its sequence number before it: 8 bytes, a little-endian double. So
 *     `findReceipt` and `repeated` give it back.
 * 13. An entry is taken by one process at a time, and again by another one, when the first is gone or slow,
 *     until `settle`.
 * 14. A process that expects a history is refused everything but `clear` (SERVING_HISTORY_LOST) by a store
 *     that has none or another one, or whose last number is lower than the highest that this process has seen
 *     in any answer: such a store was emptied or set back, and would give numbers twice.
 * 15. The first process that is refused because of a number, or of a store without a history, marks the
 *     store: from then on it refuses every process that expects a history, until one is begun that replaces
 *     the mark. A mark says the highest number that any refused process has seen.
 * 16. A commit that replaces a receipt finds exactly that one, or does nothing.
 * 17. The clock is the latest time of an arrival that was committed. An arrival is refused as `due` while a
 *     label is due at the clock with it. Its own label is due at its time or at that clock, the later of the
 *     two; its text is `1`, the commit's number in 16 digits, and `label`.
 * 18. A label waits only where its transaction has not come and there is room. When that arrives, the same
 *     commit makes it the first due label, in place of the arrival's own: a line feed and the label's receipt
 *     (without its number) follow the text. It is counted no more once it has waited too long.
 * 19. A delivery is of the first due label alone, and takes it away with its commit.
 * 20. A state that a commit writes with a life is as one that was never written once that has passed, unless
 *     it was written again meanwhile.
 * 21. A look through all states, part by part, shows each one that is there meanwhile at least once, of
 *     whatever kind, and whether it goes by itself, unless the store is moved to another server.
 * 22. One process at a time fills the store: from the moment another one begins, or filling has ended, a
 *     filler is refused everything (SERVING_FILLER_REPLACED), and nothing that it has begun changes anything.
 *     `clear` of the filler leaves its notes, and a mark (law 15).
 */
export interface SharedStateStore extends StateStore, FilledByOne {
  commit(
    changes: readonly StateChange[],
    receipt: Receipt,
    entry: Uint8Array,
    receiptLifeMs: number,
    demands?: CommitDemands,
  ): Promise<CommitOutcome>
  /**
   * Up to `most` labels that are due before a transaction of this time; undefined: of those alone whose
   * transaction has come.
   */
  dueLabels(eventTimeMs: number | undefined, most: number): Promise<DueLabelsFound>
  /**
   * Shows some states, about `most`, from where `next` of the part before says; the first ones without it.
   *
   * @param bytes how much of each
   */
  lookThrough(from: string | undefined, most: number, bytes: number): Promise<StatesSeen>
  /** Takes a due label away that need not be delivered any more. */
  removeDueLabel(text: string): Promise<void>
  /** Fills a store that has no labels of these kinds; may be called with one part after the other. */
  putBackLabels(labels: LabelsPutBack): Promise<void>
  /** Up to `most` entries that nobody else is working on, waiting up to `waitMs` for the first. */
  takeEntries(most: number, waitMs: number): Promise<readonly OutboxEntry[]>
  /** The entries of these sequence numbers are written to a log that survives, and can be forgotten. */
  settle(sequences: readonly number[]): Promise<void>
  /** What the store says now; never refused. */
  readHistory(): Promise<StoreHistory>
  /**
   * Names the store's history, and counts on from `lastSequence` where the store's number is lower.
   *
   * @param replaces whether a mark (law 15) or another history gives way
   * @returns whether the store has this history now
   */
  beginHistory(history: KnownHistory, replaces: boolean): Promise<boolean>
  /**
   * From now on this process takes part in that history (law 14); looks at once.
   *
   * @throws SERVING_HISTORY_LOST
   */
  expectHistory(history: KnownHistory): Promise<void>
  /** Highest number that this process has seen or was told to expect, inclusive; 0: none. */
  knownSequence(): number
  /** All entries that wait, whoever takes them, in their order; for what puts a store right. */
  waitingEntries(): Promise<readonly OutboxEntry[]>
  /** Puts receipts and waiting entries back into a store without any; entries ascend by their numbers. */
  putBack(receipts: readonly LivingReceipt[], entries: readonly OutboxEntry[]): Promise<void>
}
