import { handbookFeatures } from './handbook-features.mjs'

/** Every row of the table, in its order. */
export const rows = [handbookFeatures]
