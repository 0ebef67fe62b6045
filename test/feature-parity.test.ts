import { engineEqualsOracle } from './laws/feature-parity.ts'

// Thirty times as many histories are in test/long.
engineEqualsOracle({ share: 0.3 })
