import type { FeatureFamily } from '../feature.ts'
import { aggregates } from './aggregates.ts'
import { amount } from './amount.ts'
import { attributes } from './attributes.ts'
import { derived } from './derived.ts'
import { device } from './device.ts'
import { entities } from './entities.ts'
import { frequency } from './frequency.ts'
import { location } from './location.ts'
import { merchant } from './merchant.ts'
import { risk } from './risk.ts'
import { temporal } from './temporal.ts'
import { userBehaviour } from './user-behaviour.ts'

/** Every feature family, in the order in which their features stand in a vector. */
export const FEATURE_FAMILIES: readonly FeatureFamily[] = [
  temporal,
  amount,
  userBehaviour,
  frequency,
  location,
  device,
  merchant,
  risk,
  attributes,
  entities,
  aggregates,
  derived,
]
