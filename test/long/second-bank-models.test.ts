import { modelsMatchPeers } from '../laws/second-bank-models.ts'

modelsMatchPeers({ weeks: 5 })
