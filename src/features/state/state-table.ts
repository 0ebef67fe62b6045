import type { EntityState } from './entity-state.ts'

/**
 * States of many entities by token: open addressing on doubles, several times faster than a `Map` with such keys.
 */
export class StateTable {
  private keys = new Float64Array(1024)
  private places = new Int32Array(1024)
  private readonly states: EntityState[] = []
  private readonly tokens: number[] = []

  get size(): number {
    return this.states.length
  }

  /** The state of `token`, or undefined. */
  get(token: number): EntityState | undefined {
    const { keys } = this
    const mask = keys.length - 1
    // Tokens are hashes: their low bits are as good as any.
    for (let slot = token & mask; ; slot = (slot + 1) & mask) {
      const key = keys[slot]!
      if (key === token) return this.states[this.places[slot]!]
      if (key === 0) return undefined
    }
  }

  /** Adds the state of a token that is not there yet. */
  add(token: number, state: EntityState): void {
    if (this.states.length * 2 >= this.keys.length) this.grow()
    this.place(token, this.states.length)
    this.states.push(state)
    this.tokens.push(token)
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
