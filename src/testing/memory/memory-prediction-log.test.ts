import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { predictionLogLaws } from '../prediction-log-laws.ts'
import { createMemoryLogPlace } from './memory-prediction-log.ts'

holdToLaws('the log in memory keeps the laws of a prediction log', predictionLogLaws, {
  create: async () => createMemoryLogPlace(),
})
