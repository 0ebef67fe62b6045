import type { Feature } from './feature.ts'
import type { Dimension } from './state/layout.ts'

/** Features that say how familiar the user is with a value: a place, a device, a merchant, a category. */

/** 1 when the value is the user's commonest so far. */
export const isUsualValue = (name: string, dimension: Dimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'boolean',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 0 for the first',
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => (reading.hasValue ? (reading.isUsual ? 1 : 0) : Number.NaN)
  },
})

/** 1 when the user has not had the value before (or has forgotten it, see the bounds of a state). */
export const isNewValue = (name: string, dimension: Dimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'boolean',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 1 for the first',
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => (reading.hasValue ? (reading.count === 0 ? 1 : 0) : Number.NaN)
  },
})

/** Earlier transactions with the value as a share of those with any. */
export const shareOfValue = (name: string, dimension: Dimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'share',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 0 for the first',
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => (reading.hasValue ? (reading.total === 0 ? 0 : reading.count / reading.total) : Number.NaN)
  },
})

/** Shannon entropy of the user's earlier values. */
export const entropyOf = (name: string, dimension: Dimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'nats',
  range: [0, Number.POSITIVE_INFINITY],
  missing: '0 when fewer than two values are known',
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => reading.entropy()
  },
})
