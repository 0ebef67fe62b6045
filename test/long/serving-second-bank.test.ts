import { servingSecondBank } from '../laws/serving-second-bank.ts'

servingSecondBank({
  transactions: { one: 100_000, two: 10_000 },
  crashes: { one: { crashes: 100, transactions: 60_000 }, two: { crashes: 10, transactions: 30_000 } },
})
