import { hotEntityIsRight } from './laws/hot-entities.ts'

// Its ring holds six and a half days: no payment is in it when its label is due. Ten million in a month are
// in test/long.
hotEntityIsRight({ perDay: 10_000, days: 10, compared: 30 })
