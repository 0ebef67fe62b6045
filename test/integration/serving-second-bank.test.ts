import { servingSecondBank } from '../laws/serving-second-bank.ts'

// The small form; the full one is in test/long.
servingSecondBank({
  transactions: { one: 20_000, two: 4000 },
  // More than a day of the bank, so that servers are killed in the middle of a morning's labels too.
  crashes: { one: { crashes: 10, transactions: 12_000 }, two: { crashes: 4, transactions: 6000 } },
})
