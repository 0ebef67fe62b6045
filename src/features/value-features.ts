import type { Feature } from './feature.ts'
import { yesOrNo } from './phrase.ts'

/** Features that say how familiar the user is with a value: a place, a device, a merchant, a category. */

/** How a dimension is spoken of: as a thing, and as what a payment was made with, at or in. */
const WORDS = {
  user: { noun: 'user', paid: 'as this user' },
  merchant: { noun: 'merchant', paid: 'at the merchant' },
  category: { noun: 'merchant category', paid: 'in the merchant category' },
  location: { noun: 'place', paid: 'in the place' },
  device: { noun: 'device', paid: 'with the device' },
} as const

/** What a payment can be familiar by: the dimensions of every transaction. */
type StandardDimension = keyof typeof WORDS

const noneGiven = (dimension: StandardDimension): string => `no ${WORDS[dimension].noun} given`

/** 1 when the value is the user's commonest so far. */
export const isUsualValue = (name: string, dimension: StandardDimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'boolean',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 0 for the first',
  phrase: yesOrNo(
    `${WORDS[dimension].noun} is the user's usual one`,
    `${WORDS[dimension].noun} is not the user's usual one`,
    noneGiven(dimension),
  ),
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => (reading.hasValue ? (reading.isUsual ? 1 : 0) : Number.NaN)
  },
})

/** 1 when the user has not had the value before (or has forgotten it, see the bounds of a state). */
export const isNewValue = (name: string, dimension: StandardDimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'boolean',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 1 for the first',
  phrase: yesOrNo(
    `first payment of this user ${WORDS[dimension].paid}`,
    `user has paid ${WORDS[dimension].paid} before`,
    noneGiven(dimension),
  ),
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => reading.isNew()
  },
})

/** Earlier transactions with the value as a share of those with any. */
export const shareOfValue = (name: string, dimension: StandardDimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'share',
  range: [0, 1],
  missing: 'missing when the transaction has no value; 0 for the first',
  phrase: {
    text: `user made {} of earlier payments ${WORDS[dimension].paid}`,
    at: { 0: `user made no earlier payment ${WORDS[dimension].paid}` },
    missing: noneGiven(dimension),
  },
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => reading.share()
  },
})

/** Shannon entropy of the user's earlier values. */
export const entropyOf = (name: string, dimension: StandardDimension, meaning: string): Feature => ({
  name,
  meaning,
  unit: 'nats',
  range: [0, Number.POSITIVE_INFINITY],
  missing: '0 when fewer than two values are known',
  phrase: {
    text: `user's variety of ${WORDS[dimension].noun} so far is {}, where 1 is always the same`,
    at: { 0: `no second ${WORDS[dimension].noun} of the user is known so far` },
  },
  bind: ({ user }) => {
    const reading = user.dimension(dimension)
    return () => reading.entropy()
  },
})
