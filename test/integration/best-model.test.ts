import { bestModelIsWorth } from '../laws/best-model.ts'

// All five weeks, whose mean the README tells, are in test/long.
bestModelIsWorth({ weeks: 1 })
