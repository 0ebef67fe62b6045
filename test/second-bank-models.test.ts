import { modelsMatchPeers } from './laws/second-bank-models.ts'

// All five weeks, whose means the README tells, are in test/long.
modelsMatchPeers({ weeks: 1 })
