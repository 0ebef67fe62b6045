import { referencesAreCurrent } from '../laws/recorded-references.ts'

// All five weeks are in test/long.
referencesAreCurrent({ weeks: 1 })
