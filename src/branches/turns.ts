/** Work that is done one after the other, in the order in which it was asked for. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve()
  private count = 0

  /** How much of it has not begun. */
  get waiting(): number {
    return this.count
  }

  /** Runs `work` when all that was asked for before has ended, well or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.count++
    const done = this.last.then(() => {
      this.count--
      return work()
    })
    this.last = done.catch(() => undefined)
    return done
  }

  /** Resolves when everything that was asked for so far has ended. */
  async ended(): Promise<void> {
    await this.last
  }
}
