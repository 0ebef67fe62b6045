import { describe, expect, it } from 'vitest'
import { cronSchedule, longestPauseMs } from './cron-schedule.ts'

/** The next times as an ISO time without what is always zero. */
const timesAfter = (from: string, count: number, expression: string, zone: string): readonly string[] => {
  const schedule = cronSchedule(expression, zone)
  const times: string[] = []
  for (let at = Date.parse(from); times.length < count; ) {
    const next = schedule.next(at)
    if (next === undefined) break
    times.push(new Date(next).toISOString().replace(':00.000Z', 'Z'))
    at = next
  }
  return times
}

describe('the hour that daylight saving leaves out', () => {
  it('a time within it comes at the first moment after it: Madrid, 2 to 3 o’clock on 29 March 2026', () => {
    expect(timesAfter('2026-03-28T12:00:00Z', 3, '30 2 * * *', 'Europe/Madrid')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
      '2026-03-31T00:30Z',
    ])
  })

  it('the same in New York, 2 to 3 o’clock on 8 March 2026', () => {
    expect(timesAfter('2026-03-07T12:00:00Z', 2, '30 2 * * *', 'America/New_York')).toEqual([
      '2026-03-08T07:00Z',
      '2026-03-09T06:30Z',
    ])
  })

  it('of a list of hours too, and two times that come to the same moment are one', () => {
    expect(timesAfter('2026-03-28T20:00:00Z', 2, '30 2,14 * * *', 'Europe/Madrid')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-29T12:30Z',
    ])
    expect(timesAfter('2026-03-28T20:00:00Z', 2, '0 2,3 * * *', 'Europe/Madrid')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:00Z',
    ])
  })

  it('midnight itself may be in it: Santiago de Chile on 6 September 2026', () => {
    expect(timesAfter('2026-09-05T12:00:00Z', 2, '0 0 * * *', 'America/Santiago')).toEqual([
      '2026-09-06T04:00Z',
      '2026-09-07T03:00Z',
    ])
  })

  it('what runs every quarter of an hour leaves out nothing of the time that passes', () => {
    expect(timesAfter('2026-03-29T00:30:00Z', 3, '*/15 * * * *', 'Europe/Madrid')).toEqual([
      '2026-03-29T00:45Z',
      '2026-03-29T01:00Z',
      '2026-03-29T01:15Z',
    ])
  })
})

describe('the hour that daylight saving has twice', () => {
  it('a time within it comes once, the first time: Madrid on 25 October 2026', () => {
    expect(timesAfter('2026-10-24T12:00:00Z', 2, '30 2 * * *', 'Europe/Madrid')).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ])
  })

  it('the same in New York on 1 November 2026, and of a list of minutes', () => {
    expect(timesAfter('2026-10-31T12:00:00Z', 3, '0,30 1 * * *', 'America/New_York')).toEqual([
      '2026-11-01T05:00Z',
      '2026-11-01T05:30Z',
      '2026-11-02T06:00Z',
    ])
  })

  it('what runs every hour runs in both', () => {
    expect(timesAfter('2026-10-24T23:30:00Z', 3, '0 * * * *', 'Europe/Madrid')).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T01:00Z',
      '2026-10-25T02:00Z',
    ])
  })
})

describe('an expression', () => {
  it.each([
    ['0 0 L * *', '2026-01-31T00:00Z'],
    ['0 0 * * 5L', '2026-01-30T00:00Z'],
    ['0 0 * * 5#2', '2026-01-09T00:00Z'],
    ['0 0 1W 2 *', '2026-02-02T00:00Z'],
    ['0 0 13 * FRI', '2026-01-02T00:00Z'],
    ['@daily', '2026-01-02T00:00Z'],
    ['0 5 6 * * *', '2026-01-01T06:05Z'],
  ])('%s comes first at %s', (expression, first) => {
    expect(timesAfter('2026-01-01T00:00:00Z', 1, expression, 'UTC')).toEqual([first])
  })

  it.each([
    ['61 0 * * *', 'UTC', 'minute'],
    ['hello', 'UTC', 'five'],
    ['', 'UTC', 'five'],
    ['0 0 0 1 1 * 2028', 'UTC', '5 or 6'],
    ['0 0 30 2 *', 'UTC', 'no day that ever comes'],
    ['2028-05-01T00:00:00', 'UTC', 'moment'],
    ['@reboot', 'UTC', 'not supported'],
    ['0 0 * * *', 'Europe/Madrit', 'no time zone'],
    ['0 0 * * *', '', 'no time zone'],
  ])('"%s" in "%s" is refused: %s', (expression, zone, reason) => {
    expect(() => cronSchedule(expression, zone)).toThrow(
      expect.objectContaining({ code: 'SCHEDULE_INVALID', message: expect.stringContaining(reason) }),
    )
  })
})

describe('times', () => {
  const nightly = cronSchedule('0 2 * * *', 'UTC')
  const at = Date.parse('2026-01-02T02:00:00Z')

  it('the next is after the given one, the latest is it or before it, to the millisecond', () => {
    expect([nightly.next(at), nightly.next(at - 1)]).toEqual([at + 86_400_000, at])
    expect([nightly.latest(at), nightly.latest(at - 1)]).toEqual([at, at - 86_400_000])
  })

  it('the longest pause of working days is the weekend; of days in Madrid, that in October', () => {
    const from = Date.parse('2026-01-01T00:00:00Z')
    expect(longestPauseMs(cronSchedule('0 6 * * MON-FRI', 'UTC'), from) / 3_600_000).toBe(72)
    expect(longestPauseMs(cronSchedule('0 6 * * *', 'Europe/Madrid'), from) / 3_600_000).toBe(25)
    // What comes once in four years is not missing in between.
    expect(longestPauseMs(cronSchedule('0 0 29 2 *', 'UTC'), from) / 86_400_000).toBe(4 * 365 + 1)
  })
})
