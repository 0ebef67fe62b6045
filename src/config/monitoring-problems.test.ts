import { expect, it } from 'vitest'
import { KEPT_FOLDER } from '../monitoring/kept-days-file.ts'
import { loadServingConfig } from './config-manager.ts'

const load = (...assignments: readonly string[]) =>
  loadServingConfig({ environment: {}, assignments, workingDirectory: '/srv' }).settings.monitoring

it('looks are daily shortly after the days of UTC, and folders are found from the working folder', () => {
  expect(load('monitoring.logs=["pod-a/log","pod-b/log"]')).toMatchObject({
    enabled: true,
    schedule: '20 0 * * *',
    time_zone: 'UTC',
    path: '/srv/.vigia/monitoring',
    logs: ['/srv/pod-a/log', '/srv/pod-b/log'],
  })
})

it.each([
  ['monitoring.schedule=20 25 * * *', 'hour'],
  ['monitoring.schedule=daily', 'five'],
  ['monitoring.time_zone=Europe/Madrit', 'no time zone'],
  ['monitoring.drift.severe.shift=0.7', 'got 0.1, 0.7 and 0.5'],
  ['monitoring.drift.moderate.ratio=4', 'got 4, 3 and 8'],
])('%s is refused: %s', (assignment, reason) => {
  expect(() => load(assignment)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(reason) }),
  )
})

it.each([
  [['prediction_log.path=log', 'monitoring.path=log/monitoring']],
  [['prediction_log.path=log', 'monitoring.path=/srv/log/monitoring/looks']],
  [['prediction_log.path=.vigia']],
  [['monitoring.logs=["a","b"]', 'monitoring.path=b/monitoring']],
])('reports do not lie where a server keeps the days of its log: %s', (assignments) => {
  expect(() => load(...assignments)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /monitoring\.path: allowed: a folder that is not ".*monitoring", nor in it/,
      ),
    }),
  )
  expect(KEPT_FOLDER).toBe('monitoring')
})

it.each([
  [['prediction_log.path=log', 'monitoring.path=log/looks']],
  [['prediction_log.path=log', 'monitoring.path=log/monitoring-of-looks']],
  [['prediction_log.path=log', 'monitoring.path=log']],
  [['prediction_log.path=log', 'monitoring.path=monitoring']],
])('and may lie elsewhere: %s', (assignments) => {
  expect(() => load(...assignments)).not.toThrow()
})
