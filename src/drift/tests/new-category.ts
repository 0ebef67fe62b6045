import { type SharePair, sharesOf } from './share-pair.ts'

/** Values in categories that the reference has none of, of all values. */
export interface NewCategory extends SharePair {
  readonly values: number
}

/** Share of values whose category the reference never saw; that of the reference is 0. */
export const newCategory = (current: { readonly unseen: number; readonly count: number }): NewCategory => {
  const shares = sharesOf(0, 1, current.unseen, current.count)
  return { reference: 0, current: shares.current, ratio: shares.ratio, values: current.unseen }
}
