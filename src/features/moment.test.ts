import { expect, test } from 'vitest'
import { createTimeZone } from '../foundation/time-zone.ts'
import { Moment } from './moment.ts'

test('Madrid skips the hour from 2 to 3 on 2026-03-29, a Sunday', () => {
  expect(local('Europe/Madrid', '2026-03-29T00:59:59.999Z')).toEqual([1, 119, 6, 29])
  expect(local('Europe/Madrid', '2026-03-29T01:00:00.000Z')).toEqual([3, 180, 6, 29])
})

test('Kathmandu is five and three quarter hours ahead', () => {
  expect(local('Asia/Kathmandu', '2026-01-01T18:15:00Z')).toEqual([0, 0, 4, 2])
})

test("St. John's is half an hour off, in winter and in summer", () => {
  expect(local('America/St_Johns', '2026-01-01T03:29:00Z')).toEqual([23, 1439, 2, 31])
  expect(local('America/St_Johns', '2026-07-01T02:30:00Z')).toEqual([0, 0, 2, 1])
})

/** [hour, minute of day, weekday from Monday 0, day of month] */
const local = (zone: string, instant: string): number[] => {
  const moment = new Moment(createTimeZone(zone))
  moment.moveTo(Date.parse(instant))
  return [moment.hour, moment.minuteOfDay, moment.weekday, moment.dayOfMonth]
}
