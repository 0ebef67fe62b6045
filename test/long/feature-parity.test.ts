import { engineEqualsOracle } from '../laws/feature-parity.ts'

engineEqualsOracle({ share: 10 })
