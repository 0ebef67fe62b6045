import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { DAY_MS } from '../foundation/days.ts'
import { challengerAssignments } from './challenger-settings.ts'

const DAY = Date.UTC(2026, 0, 1)
const ORDER = {
  trainFromMs: DAY - 180 * DAY_MS,
  validationFromMs: DAY + 10 * DAY_MS,
  judgedFromMs: DAY + 12 * DAY_MS,
  judgedToMs: DAY + 20 * DAY_MS,
  halfLifeMs: 10 * DAY_MS,
  leftOutDays: [DAY / DAY_MS + 3],
}

const settingsOf = (order: typeof ORDER | (Omit<typeof ORDER, 'halfLifeMs'> & { halfLifeMs: null })) =>
  loadTrainingConfig({
    environment: {},
    assignments: challengerAssignments(order, ['/srv/log a', '/srv/b']),
    workingDirectory: '/work',
  }).settings

test('the rows of an order become the parts, weights and source of a training', () => {
  const { source, split, weights } = settingsOf(ORDER)
  expect(source.path).toEqual(['vigia-log:///srv/log a', 'vigia-log:///srv/b'])
  expect(split.method).toBe('temporal')
  expect(split.dates).toEqual({
    train_from: '2025-07-05',
    train_to: '2026-01-11',
    validation_from: '2026-01-11',
    validation_to: '2026-01-13',
    test_from: '2026-01-13',
    test_to: '2026-01-21',
  })
  expect(weights).toEqual({ half_life: '10d', left_out: ['2026-01-04'] })
})

test('without recency all rows count alike', () => {
  expect(settingsOf({ ...ORDER, halfLifeMs: null, leftOutDays: [] }).weights).toEqual({
    half_life: null,
    left_out: [],
  })
})
