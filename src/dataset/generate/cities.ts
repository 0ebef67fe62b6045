import { asin, cos, sin } from '../../foundation/elementary/trigonometry.ts'
/** A place where people live and shops stand. */
export interface City {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  /** Relative number of residents. */
  readonly weight: number
}

const city = (name: string, latitude: number, longitude: number, weight: number): City => ({
  name,
  latitude,
  longitude,
  weight,
})

/**
 * Where the generated bank's customers live: mostly Spain, some in Europe, few elsewhere.
 * Coordinates are the cities' centres in degrees; weights follow their population loosely.
 */
export const CITIES: readonly City[] = [
  city('Madrid', 40.4168, -3.7038, 330),
  city('Barcelona', 41.3874, 2.1686, 165),
  city('Valencia', 39.4699, -0.3763, 80),
  city('Sevilla', 37.3891, -5.9845, 69),
  city('Zaragoza', 41.6488, -0.8891, 68),
  city('Málaga', 36.7213, -4.4214, 58),
  city('Murcia', 37.9922, -1.1307, 46),
  city('Palma', 39.5696, 2.6502, 42),
  city('Las Palmas', 28.1235, -15.4363, 38),
  city('Bilbao', 43.263, -2.935, 35),
  city('Alicante', 38.3452, -0.481, 34),
  city('Córdoba', 37.8882, -4.7794, 32),
  city('Valladolid', 41.6523, -4.7245, 30),
  city('Vigo', 42.2406, -8.7207, 29),
  city('Gijón', 43.5322, -5.6611, 27),
  city('A Coruña', 43.3623, -8.4115, 25),
  city('Granada', 37.1773, -3.5986, 23),
  city('Lisboa', 38.7223, -9.1393, 34),
  city('Porto', 41.1579, -8.6291, 18),
  city('Paris', 48.8566, 2.3522, 26),
  city('Toulouse', 43.6047, 1.4442, 10),
  city('London', 51.5072, -0.1276, 24),
  city('Dublin', 53.3498, -6.2603, 8),
  city('Brussels', 50.8503, 4.3517, 9),
  city('Amsterdam', 52.3676, 4.9041, 10),
  city('Berlin', 52.52, 13.405, 14),
  city('Munich', 48.1351, 11.582, 8),
  city('Zürich', 47.3769, 8.5417, 6),
  city('Milano', 45.4642, 9.19, 12),
  city('Roma', 41.9028, 12.4964, 12),
  city('Wien', 48.2082, 16.3738, 6),
  city('Warszawa', 52.2297, 21.0122, 6),
  city('Stockholm', 59.3293, 18.0686, 5),
  city('Athens', 37.9838, 23.7275, 4),
  city('Bucharest', 44.4268, 26.1025, 5),
  city('Istanbul', 41.0082, 28.9784, 5),
  city('Casablanca', 33.5731, -7.5898, 6),
  city('New York', 40.7128, -74.006, 6),
  city('Miami', 25.7617, -80.1918, 5),
  city('Ciudad de México', 19.4326, -99.1332, 8),
  city('Bogotá', 4.711, -74.0721, 6),
  city('Lima', -12.0464, -77.0428, 4),
  city('Buenos Aires', -34.6037, -58.3816, 7),
  city('Santiago', -33.4489, -70.6693, 4),
  city('São Paulo', -23.5505, -46.6333, 4),
  city('Lagos', 6.5244, 3.3792, 2),
  city('Dubai', 25.2048, 55.2708, 3),
  city('Mumbai', 19.076, 72.8777, 3),
  city('Singapore', 1.3521, 103.8198, 2),
  city('Tokyo', 35.6762, 139.6503, 2),
]

/** Great-circle distance in kilometres (haversine, mean radius of the Earth 6371.0088 km). */
export const distanceKm = (
  latitudeA: number,
  longitudeA: number,
  latitudeB: number,
  longitudeB: number,
): number => {
  const radians = Math.PI / 180
  const halfLatitude = sin(((latitudeB - latitudeA) * radians) / 2)
  const halfLongitude = sin(((longitudeB - longitudeA) * radians) / 2)
  const chord =
    halfLatitude * halfLatitude +
    cos(latitudeA * radians) * cos(latitudeB * radians) * halfLongitude * halfLongitude
  return 2 * 6371.0088 * asin(Math.min(1, Math.sqrt(chord)))
}
