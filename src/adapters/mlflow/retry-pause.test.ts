import { expect, test } from 'vitest'
import { retryAfterMs, retryPauseMs } from './retry-pause.ts'

test('pauses double from half a second up to half a minute, of which chance takes up to a half', () => {
  expect([0, 1, 2, 3, 6, 20].map((attempt) => retryPauseMs(attempt, 0))).toEqual([
    250, 500, 1000, 2000, 15_000, 15_000,
  ])
  expect([0, 1, 2].map((attempt) => retryPauseMs(attempt, 0.5))).toEqual([375, 750, 1500])
})

test('what the server asks for is waited, up to half a minute', () => {
  expect(retryPauseMs(0, 0.9, 7000)).toBe(7000)
  expect(retryPauseMs(0, 0.9, 3_600_000)).toBe(30_000)
  expect(retryPauseMs(3, 0, 100)).toBe(2000)
})

test('Retry-After is seconds or a date', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z')
  expect(retryAfterMs('3', nowMs)).toBe(3000)
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', nowMs)).toBe(5000)
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', nowMs)).toBe(0)
  expect([retryAfterMs(null, nowMs), retryAfterMs('soon', nowMs)]).toEqual([0, 0])
})
