import { log1p } from '../foundation/elementary/logarithm.ts'
import { type DataFault, findingOf } from './data-fault.ts'
import { limitOf, medianOf, spreadOf } from './spread.ts'
import type { FieldSummary, WindowSummary } from './window-summary.ts'

/** Distance from its own history below which a field is itself: by logarithm of quantiles, or by shares. */
const LEAST_OWN = { number: 0.15, category: 0.25 }

/** How much nearer the other field's history must be. */
const NEARER = 3

interface Column {
  readonly name: string
  readonly kind: FieldSummary['kind']
  readonly today: Profile
  readonly usual: Profile
  /** Of this day, and as large as days may be, from the own history. */
  readonly own: number
  readonly limit: number
}

type Profile = ReadonlyMap<string, number>

/**
 * Pairs of fields of one kind each of which is far from its own history and near the other's: quantiles of
 * numbers on a logarithmic scale, shares of categories. O(fields²) small comparisons.
 */
export const swappedColumns = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  const strange = Object.keys(today.fields)
    .sort()
    .map((name) => columnOf(name, history, today))
    .filter(({ own, limit, kind }) => own > Math.max(limit, LEAST_OWN[kind]))
  return strange.flatMap((a, at) =>
    strange.slice(at + 1).flatMap((b) => {
      if (a.kind !== b.kind) return []
      const [aAsB, bAsA] = [distance(a.today, b.usual), distance(b.today, a.usual)]
      if (NEARER * aAsB > a.own || NEARER * bAsA > b.own) return []
      const effect = (a.own + b.own) / Math.max(1e-9, aAsB + bAsA)
      const evidence = { with: b.name, own: a.own, ownOfOther: b.own, asOther: aAsB, otherAsThis: bAsA }
      return [findingOf('swapped_columns', a.name, effect, evidence)]
    }),
  )
}

const columnOf = (name: string, history: readonly WindowSummary[], today: WindowSummary): Column => {
  const field = today.fields[name]!
  const before = history.map(({ fields }) => profileOf(fields[name]!))
  const keys = [...new Set(before.flatMap((profile) => [...profile.keys()]))]
  const usual: Profile = new Map(
    keys.map((key) => [key, medianOf(before.map((profile) => profile.get(key) ?? 0))]),
  )
  const spread = spreadOf(before.map((profile) => distance(profile, usual)))
  const profile = profileOf(field)
  return {
    name,
    kind: field.kind,
    today: profile,
    usual,
    own: field.present === 0 ? 0 : distance(profile, usual),
    limit: spread.middle + limitOf(spread, 0, 0),
  }
}

const profileOf = (field: FieldSummary): Profile => {
  if (field.kind === 'category') return new Map(Object.entries(field.shares))
  const signedLog = (value: number): number => (value < 0 ? -log1p(-value) : log1p(value))
  return new Map(field.quantiles.map((value, at) => [String(at), Number.isNaN(value) ? 0 : signedLog(value)]))
}

/** Half of the sum of distances of shares, or the mean distance of quantiles: both are of one kind. */
const distance = (a: Profile, b: Profile): number => {
  const keys = new Set([...a.keys(), ...b.keys()])
  let sum = 0
  for (const key of keys) sum += Math.abs((a.get(key) ?? 0) - (b.get(key) ?? 0))
  return a.has('0') && b.has('0') && a.size === b.size && keys.size === a.size ? sum / keys.size : sum / 2
}
