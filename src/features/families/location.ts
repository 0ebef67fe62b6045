import { greatCircleKm } from '../../foundation/great-circle.ts'
import { fieldFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { windowText } from '../phrase.ts'
import { entropyOf, isNewValue, isUsualValue, shareOfValue } from '../value-features.ts'

const ONWARDS = Number.POSITIVE_INFINITY
const HALF_EARTH_KM = 20_038
const HOUR_MS = 3_600_000
const NO_DISTANCE = "no distance from the user's last transaction is known"

/** Where the transaction happens, against where the user usually pays. */
export const location: FeatureFamily = {
  name: 'location',
  title: 'Location',
  meaning: 'Where the transaction happens, against where the user usually pays.',
  features: ({ windows, categories }) => [
    ...fieldFeatures(categories, 'location', 'place', ({ locationToken }) => locationToken),
    isUsualValue('user_location_is_usual', 'location', "The place is the user's commonest so far."),
    isNewValue('user_location_is_new', 'location', 'The user has not paid in this place before.'),
    shareOfValue(
      'user_location_share',
      'location',
      "Share of the user's earlier transactions in this place.",
    ),
    entropyOf(
      'user_location_entropy',
      'location',
      "Entropy of the user's earlier places: 0 when there is only one.",
    ),
    ...windows.map(distinctLocations),
    {
      name: 'user_distance_from_last',
      meaning: "Great-circle distance from the user's transaction just before this one.",
      unit: 'kilometres',
      range: [0, HALF_EARTH_KM],
      missing: 'missing when either has no coordinates or none is known',
      phrase: {
        text: "{} from the user's last transaction",
        at: { 0: "at the place of the user's last transaction" },
        missing: NO_DISTANCE,
      },
      bind: ({ user, transaction }) => {
        const last = user.lastPlace()
        return () =>
          greatCircleKm(last.lastLatitude, last.lastLongitude, transaction.latitude, transaction.longitude)
      },
    },
    {
      name: 'user_speed_from_last',
      meaning:
        "Speed needed to get here from the user's transaction just before this one; at least a minute is assumed.",
      unit: 'kilometres per hour',
      range: [0, HALF_EARTH_KM * 60],
      missing: 'missing when the distance is',
      phrase: {
        text: "{} needed to get here from the user's last transaction",
        at: { 0: "at the place of the user's last transaction" },
        missing: NO_DISTANCE,
      },
      bind: ({ user, transaction }) => {
        const last = user.lastPlace()
        return () => {
          const km = greatCircleKm(
            last.lastLatitude,
            last.lastLongitude,
            transaction.latitude,
            transaction.longitude,
          )
          return km / (Math.max(60_000, transaction.eventTimeMs - last.lastTimeMs) / HOUR_MS)
        }
      },
    },
  ],
}

const distinctLocations = (window: string): Feature => ({
  name: `user_distinct_locations_${window}`,
  meaning: `Different places where the user paid in the last ${window}, this one included.`,
  unit: 'places',
  range: [0, ONWARDS],
  missing: '0 when no transaction names one',
  phrase: {
    text: `user has paid in {} in the last ${windowText(window)}`,
    at: { 0: `user has paid in no named place in the last ${windowText(window)}` },
  },
  bind: ({ user }) => user.distinct(window, 'location'),
})
