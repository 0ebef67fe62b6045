import { expect, it } from 'vitest'
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
