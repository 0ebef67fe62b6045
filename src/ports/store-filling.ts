/** How a process begins to fill a store that many share with states. */
export interface FillingBegun {
  /** Names it among all that ever fill the store: letters, digits and `-`. */
  readonly token: string
  /** Notes that say so from the same moment on; they outlast what the filler clears. */
  readonly notes: Readonly<Record<string, string>>
  /**
   * Nobody may have decided on the store, no loss may be marked, and it must have exactly this filler and
   * this name of a history still. Left out: whatever is there gives way.
   */
  readonly instead?: ReplacedFilling | undefined
}

/** What a store says of who filled it, when somebody wants to fill it instead. */
export interface ReplacedFilling {
  /** Token of who fills it, or did until its process ended; undefined: nobody does. */
  readonly filler: string | undefined
  /** Name of its history; undefined: it has none. */
  readonly name: string | undefined
}

/** How filling ends. */
export interface FillingEnded {
  /** Notes that say so. */
  readonly notes: Readonly<Record<string, string>>
  /** Of the store from now on. */
  readonly history: { readonly name: string; readonly lastSequence: number }
  /** Whether a mark, or a history that was begun meanwhile, gives way. */
  readonly replaces: boolean
}

/**
 * A store that one process at a time fills with states (law 22 of `SharedStateStore`).
 *
 * Whoever stood still for so long that another one took its place may wake up at any moment, in the middle of
 * any write. So the store itself knows who fills it, and looks in the same step in which it writes.
 */
export interface FilledByOne {
  /**
   * Makes this process the filler, in one step: the name of the history and its number end, so that whoever
   * takes part in it is refused from now on, and the notes are written. States and all else stay until this
   * process clears the store.
   *
   * @returns false, and nothing is done: the store is otherwise than `instead` says
   */
  beginFilling(filling: FillingBegun): Promise<boolean>
  /**
   * In one step, writes the notes and begins the history; nobody fills the store any more.
   *
   * @returns whether the store has this history now
   * @throws SERVING_FILLER_REPLACED
   */
  endFilling(filling: FillingEnded): Promise<boolean>
}
