import { createRandom, csvText } from '../invent.mjs'

const COMPONENTS = 28

/**
 * ULB: two days, no user, 28 columns without names of their own that carry everything. Frauds are of two
 * kinds, each away from the honest in other columns; a few of both kinds lie among the honest.
 */
export const set = {
  file: 'creditcard.csv.gz',
  knowledge: ['attributes'],
  invent: ({ rows, fraudShare, seed }) => {
    const random = createRandom(seed + 5000)
    const header = ['Time', ...Array.from({ length: COMPONENTS }, (_, n) => `V${n + 1}`), 'Amount', 'Class']
    const times = Array.from({ length: rows }, () => random.integer(172_800)).sort((a, b) => a - b)
    return csvText(
      header,
      times.map((time) => {
        const isFraud = random.chance(fraudShare)
        const kind = isFraud ? 1 + random.integer(2) : 0
        const far = isFraud ? random.between(0.3, 2.2) : random.chance(0.01) ? random.between(0, 1.2) : 0
        const values = Array.from({ length: COMPONENTS }, (_, n) => {
          const scale = 2 - n / 18
          const moves = kind === 1 ? [13, 9, 3].includes(n) : kind === 2 ? [16, 11, 2].includes(n) : n === 13
          return (scale * random.normal() - (moves ? 3 * far : 0)).toFixed(6)
        })
        const check = random.chance(isFraud ? 0.06 : 0.006)
        return [time, ...values, check ? '0' : (2 ** random.between(0, 9)).toFixed(2), isFraud ? 1 : 0]
      }),
    )
  },
}
