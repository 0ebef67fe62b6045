/** Runs what concerns the same thing one after the other, and what concerns others beside it. */
export class InTurns<T> {
  /** The last of each that has not ended. */
  private readonly underWay = new Map<string, Promise<T>>()

  /** Runs `work` when everything of `id` that was asked before has ended, well or not. */
  async run(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.underWay.get(id)
    const own = before === undefined ? work() : before.then(work, work)
    this.underWay.set(id, own)
    try {
      return await own
    } finally {
      if (this.underWay.get(id) === own) this.underWay.delete(id)
    }
  }
}
