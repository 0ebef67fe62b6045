import { fieldFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { windowText } from '../phrase.ts'
import { isNewValue, isUsualValue, shareOfValue } from '../value-features.ts'

const ONWARDS = Number.POSITIVE_INFINITY
const NO_DEVICE = 'no device given'

/** With what the user pays, and who else uses it. */
export const device: FeatureFamily = {
  name: 'device',
  title: 'Device',
  meaning: 'With what the user pays, and who else uses it.',
  features: ({ windows, categories }) => [
    isUsualValue('user_device_is_usual', 'device', "The device is the user's commonest so far."),
    isNewValue('user_device_is_new', 'device', 'The user has not paid with this device before.'),
    shareOfValue('user_device_share', 'device', "Share of the user's earlier transactions with this device."),
    {
      name: 'user_device_count',
      meaning: 'Different devices the user has paid with before this transaction.',
      unit: 'devices',
      range: [0, ONWARDS],
      missing: '0 for the first',
      phrase: {
        text: 'user has paid with {} before',
        at: { 0: 'user has paid with no known device before' },
      },
      bind: ({ user }) => {
        const reading = user.dimension('device')
        return () => reading.ever
      },
    },
    {
      name: 'device_user_count',
      meaning: 'Different users who paid with this device before this transaction.',
      unit: 'users',
      range: [0, ONWARDS],
      missing: 'missing when the transaction names no device; 0 for its first',
      phrase: {
        text: 'device has been used by {} before',
        at: { 0: 'device has been used by nobody before' },
        missing: NO_DEVICE,
      },
      bind: ({ device: source }) => {
        const reading = source.dimension('user')
        return () => reading.ever
      },
    },
    {
      name: 'device_tx_count_life',
      meaning: 'Transactions with this device before this one.',
      unit: 'transactions',
      range: [0, ONWARDS],
      missing: 'missing when the transaction names no device; 0 for its first',
      phrase: {
        text: 'device has made {} before',
        at: { 0: 'first transaction of the device' },
        missing: NO_DEVICE,
      },
      bind: ({ device: source }) => {
        const life = source.life()
        return () => life.earlierCount
      },
    },
    ...windows.map(deviceCount),
    ...fieldFeatures(categories, 'device_type', 'device type', ({ deviceTypeToken }) => deviceTypeToken),
  ],
}

const deviceCount = (window: string): Feature => ({
  name: `device_tx_count_${window}`,
  meaning: `Transactions with this device in the last ${window}, this one included.`,
  unit: 'transactions',
  range: [1, ONWARDS],
  missing: 'missing when the transaction names no device',
  phrase: {
    text: `device has made {} in the last ${windowText(window)}`,
    at: { 1: `only transaction of the device in the last ${windowText(window)}` },
    missing: NO_DEVICE,
  },
  bind: ({ device: source }) => {
    const reading = source.window(window)
    return () => reading.count
  },
})
