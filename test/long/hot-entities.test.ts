import { hotEntityIsRight } from '../laws/hot-entities.ts'

// Ten million payments in a month, and the label delay before it.
hotEntityIsRight({ perDay: 333_334, days: 38, compared: 30 })
hotEntityIsRight({ perDay: 10_000, days: 40, compared: 200 })
