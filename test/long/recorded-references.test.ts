import { referencesAreCurrent } from '../laws/recorded-references.ts'

referencesAreCurrent({ weeks: 5 })
