import type { WeightsSettings } from '../config/sections/weights.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { parseDuration } from '../foundation/duration.ts'
import { recencyWeights } from '../learning/recency-weights.ts'

/** The weight of each training row by its event time; undefined where all count alike. */
export const rowWeights = (
  eventTimesMs: Float64Array,
  { half_life, left_out }: WeightsSettings,
): Float64Array | undefined => {
  if (half_life === null && left_out.length === 0) return undefined
  const days = new Set(left_out)
  return recencyWeights(eventTimesMs, {
    ...(half_life !== null && { halfLifeMs: parseDuration(half_life) }),
    isLeftOut: (timeMs) => days.has(dateOf(Math.floor(timeMs / DAY_MS))),
  })
}

/** For the settings of a step: it says something only where rows are weighed. */
export const weightSettings = (weights: WeightsSettings): { readonly weights?: WeightsSettings } =>
  weights.half_life === null && weights.left_out.length === 0 ? {} : { weights }
