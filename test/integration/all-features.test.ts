import { allFeaturesAreWorth } from '../laws/all-features.ts'

// All five weeks, over which the README tells by how much, are in test/long.
allFeaturesAreWorth({ weeks: 1 })
