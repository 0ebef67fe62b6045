import { engineEqualsOracle } from './laws/feature-parity.ts'

// Sixty times as many histories are in test/long.
engineEqualsOracle({ share: 0.15 })
