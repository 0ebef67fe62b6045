import { allFeaturesAreWorth } from '../laws/all-features.ts'

allFeaturesAreWorth({ weeks: 5 })
