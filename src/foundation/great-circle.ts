import { asin, cos, sin } from './elementary/trigonometry.ts'

const EARTH_RADIUS_KM = 6371.0088
const RADIANS = Math.PI / 180

/**
 * Great-circle distance in kilometres by the haversine formula on the mean sphere; NaN when a coordinate is
 * missing.
 */
export const greatCircleKm = (
  latitudeA: number,
  longitudeA: number,
  latitudeB: number,
  longitudeB: number,
): number => {
  const sinLatitude = sin(((latitudeB - latitudeA) * RADIANS) / 2)
  const sinLongitude = sin(((longitudeB - longitudeA) * RADIANS) / 2)
  const h =
    sinLatitude * sinLatitude +
    cos(latitudeA * RADIANS) * cos(latitudeB * RADIANS) * sinLongitude * sinLongitude
  return 2 * EARTH_RADIUS_KM * asin(Math.min(1, Math.sqrt(h)))
}
