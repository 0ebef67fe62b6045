/**
 * Lets work through, and can be shut for a moment: what comes then waits and fails in nothing.
 *
 * It owns who is inside, and who waits.
 */
export class Gate {
  private inside = 0
  private shut: Promise<void> | undefined
  private emptied: (() => void) | undefined

  /** Does the work now, or when the gate opens again, in the order in which it came. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.shut !== undefined) await this.shut
    this.inside++
    try {
      return await work()
    } finally {
      this.inside--
      if (this.inside === 0) this.emptied?.()
    }
  }

  /** Does the work while nothing else is inside; one at a time. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    let open = (): void => undefined
    this.shut = new Promise((resolve) => {
      open = resolve
    })
    try {
      if (this.inside > 0)
        await new Promise<void>((resolve) => {
          this.emptied = resolve
        })
      return await work()
    } finally {
      this.emptied = undefined
      this.shut = undefined
      open()
    }
  }
}
