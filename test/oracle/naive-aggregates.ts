import type { AggregateFeature } from '../../src/features/aggregates/aggregate-feature.ts'
import type { Attribute, AttributeValue } from '../../src/transaction/attributes.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'

/** What of an entity's past an aggregate may look at. */
export interface AggregatedPast {
  /** The transactions in a window, the one at hand included and last. */
  readonly inside: (window: string) => readonly Transaction[]
  /** Those of them that the ring has. */
  readonly held: (window: string) => readonly Transaction[]
  /** How many different values are in a window. */
  readonly different: (window: string, of: (one: Transaction) => unknown) => number
  /** The transactions before the one at hand, as far as it can see, by event time, then arrival. */
  readonly earlier: readonly Transaction[]
}

const DAY_MS = 86_400_000

/** Value by feature of an aggregate, by the sentences of its documentation. */
export const naiveAggregate = (
  { name, of, compute, windows, decimals = 6 }: AggregateFeature,
  { kind }: Attribute,
  transaction: Transaction,
  past: AggregatedPast | undefined,
  codeOf: (value: string) => number,
): readonly (readonly [name: string, value: number])[] => {
  const heldBy = ({ attributes }: Transaction): AttributeValue | undefined => attributes?.[of]
  const shown = (value: number): number =>
    kind === 'time' ? (transaction.eventTimeMs - value) / DAY_MS : value
  const now = heldBy(transaction)
  if (compute === 'last' || compute === 'change') {
    const before = past?.earlier.map(heldBy).findLast((value) => value !== undefined)
    if (before === undefined) return [[name, Number.NaN]]
    if (compute === 'last')
      return [[name, kind === 'category' ? codeOf(String(before)) : shown(Number(before))]]
    return [[name, now === undefined ? Number.NaN : changeOf(before, now, kind)]]
  }
  return windows.map((window) => {
    if (past === undefined) return [`${name}_${window}`, Number.NaN] as const
    const values = past
      .inside(window)
      .map(heldBy)
      .filter((value) => value !== undefined)
    const numbers = values.map(Number)
    const held = past
      .held(window)
      .map(heldBy)
      .filter((value) => value !== undefined)
    const steps = kind === 'number' ? 10n ** BigInt(decimals) : 1n
    const results = {
      mean: () => shown(sumOf(numbers, steps) / numbers.length / Number(steps)),
      sum: () => sumOf(numbers, steps) / Number(steps),
      maximum: () => (numbers.length === 0 ? Number.NaN : shown(Math.max(...numbers))),
      distinct: () => past.different(window, heldBy),
      share: () =>
        now === undefined ? Number.NaN : held.filter((value) => value === now).length / held.length,
    }
    return [`${name}_${window}`, results[compute]()] as const
  })
}

/** In steps, of which `steps` are one. Missing without a value, and where one is more than 2^72 steps. */
const sumOf = (values: readonly number[], steps: bigint): number => {
  const whole = values.map((value) => Math.round(value * Number(steps)))
  if (whole.length === 0 || whole.some((one) => Math.abs(one) > 2 ** 72)) return Number.NaN
  return Number(whole.reduce((total, one) => total + BigInt(one), 0n))
}

const changeOf = (before: AttributeValue, now: AttributeValue, kind: Attribute['kind']): number => {
  if (kind === 'category' || kind === 'text') return before === now ? 0 : 1
  const difference = (Number(now) - Number(before)) / (kind === 'time' ? DAY_MS : 1)
  return Number.isFinite(difference) ? difference : Number.NaN
}
