import { lateEqualsRebuilt } from '../laws/late-events.ts'

lateEqualsRebuilt({ share: 10 })
