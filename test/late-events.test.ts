import { lateEqualsRebuilt } from './laws/late-events.ts'

// Thirty times as many histories are in test/long.
lateEqualsRebuilt({ share: 0.3 })
