/** What the clients of a soak send: new, hot and usual entities, with times that overtake each other. */
export interface SoakBank {
  /** Body of the transaction of that number; the same for the same number. */
  body(n: number): string
  /** Body of its label where somebody tells one: frauds alone. */
  label(n: number): string | undefined
}

/** Time of the transactions goes so much faster than the clock, so that labels fall due within minutes. */
export const SPEED = 60
/** Longest that a transaction is behind one that came before it, in milliseconds of its time. */
const JITTER_MS = 30_000
/** One transaction in so many is fraud. */
const FRAUDS = 97

/** @param startMs time of the first transaction @param perSecond how many are sent in a real second */
export const soakBank = (startMs: number, perSecond: number): SoakBank => ({
  body: (n) =>
    JSON.stringify({
      transaction_id: idOf(n),
      user_id: n % 20 === 7 ? `N${n}` : `U${hashed(n, 1) % 2000}`,
      timestamp: new Date(
        startMs + Math.floor((n * 1000 * SPEED) / perSecond) - (hashed(n, 2) % JITTER_MS),
      ).toISOString(),
      amount: (100 + (hashed(n, 3) % 50_000)) / 100,
      currency: 'EUR',
      merchant_id: n % 5 === 0 ? 'M-hot' : `M${hashed(n, 4) % 300}`,
      merchant_category: ['grocery', 'travel', 'electronics'][n % 3],
      transaction_type: n % 2 === 0 ? 'online' : 'pos',
      device_id: n % 20 === 7 ? `ND${n}` : `D${hashed(n, 5) % 3000}`,
    }),
  label: (n) => (n % FRAUDS === 0 ? JSON.stringify({ transaction_id: idOf(n), is_fraud: true }) : undefined),
})

export const idOf = (n: number): string => `soak-${n}`

/** A number that hangs on `n` and looks like chance. */
const hashed = (n: number, salt: number): number => {
  let h = Math.imul(n ^ (salt * 0x9e3779b9), 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
