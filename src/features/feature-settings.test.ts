import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { readFeatureSettings } from './feature-settings.ts'

const DAY_MS = 86_400_000

test('windows stand in ascending order, whatever the order of the configuration', () => {
  const { options, windowMs } = settingsWith('features.windows=[7d, 1h, 30d]')
  expect(options.windows).toEqual(['1h', '7d', '30d'])
  expect(windowMs.get('7d')).toBe(7 * DAY_MS)
})

test('bounds of states are rounded down to a power of two, because rings and tables grow by doubling', () => {
  const { limits } = settingsWith('features.state.user_transactions=5000')
  expect(limits.user.ringEvents).toBe(4096)
})

test('the label delay of the labels section is the delay of every risk window', () => {
  expect(settingsWith('labels.delay=3d').limits.merchant.labelDelayMs).toBe(3 * DAY_MS)
})

test('a time zone that nobody knows is refused by name', () => {
  expect(() => settingsWith('features.time_zone=Europe/Atlantis')).toThrow(
    'features.time_zone must be an IANA time zone that Node.js knows, got "Europe/Atlantis"',
  )
})

const settingsWith = (assignment: string) => {
  const { features, labels } = loadTrainingConfig({
    environment: {},
    assignments: [assignment],
    workingDirectory: '/',
  }).settings
  return readFeatureSettings(features, labels, DEFAULT_AMOUNTS)
}
