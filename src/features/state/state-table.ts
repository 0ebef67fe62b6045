import type { EntityState } from './entity-state.ts'

/**
 * States of many entities by token: open addressing on doubles, several times faster than a `Map` with such
 * keys.
 */
export class StateTable {
  private keys = new Float64Array(1024)
  private places = new Int32Array(1024)
  private readonly states: EntityState[] = []
  private readonly tokens: number[] = []

  get size(): number {
    return this.states.length
  }

  /** Where the state of `token` stands, or -1. */
  find(token: number): number {
    const { keys } = this
    const mask = keys.length - 1
    // Tokens are hashes: their low bits are as good as any.
    for (let slot = token & mask; ; slot = (slot + 1) & mask) {
      const key = keys[slot]!
      if (key === token) return this.places[slot]!
      if (key === 0) return -1
    }
  }

  /** The state that `find` or `add` placed at `place`. */
  at(place: number): EntityState {
    return this.states[place]!
  }

  /** Adds the state of a token that is not there yet; returns its place: the number of states before it. */
  add(token: number, state: EntityState): number {
    if (this.states.length * 2 >= this.keys.length) this.grow()
    this.place(token, this.states.length)
    this.tokens.push(token)
    return this.states.push(state) - 1
  }

  /** All entries, in the order they were added. */
  *entries(): Generator<readonly [token: number, state: EntityState]> {
    for (let i = 0; i < this.states.length; i++) yield [this.tokens[i]!, this.states[i]!]
  }

  private place(token: number, place: number): void {
    const mask = this.keys.length - 1
    let slot = token & mask
    while (this.keys[slot] !== 0) slot = (slot + 1) & mask
    this.keys[slot] = token
    this.places[slot] = place
  }

  private grow(): void {
    this.keys = new Float64Array(this.keys.length * 2)
    this.places = new Int32Array(this.keys.length)
    for (let i = 0; i < this.tokens.length; i++) this.place(this.tokens[i]!, i)
  }
}
