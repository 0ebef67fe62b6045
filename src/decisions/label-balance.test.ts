import { describe, expect, test } from 'vitest'
import { LabelBalance } from './label-balance.ts'

describe('the balance of told labels', () => {
  test.each([
    ['frauds alone', 1, 1],
    ['nineteen frauds of twenty', 20, 19],
  ])('warns of %s at 200 labels, and each time they have doubled', (_, of, frauds) => {
    const warnings = tell(900, (n) => n % of < frauds)
    expect(warnings.map(({ labels }) => labels)).toEqual([200, 400, 800])
    expect(warnings[0]!.frauds).toBe((200 * frauds) / of)
  })

  test('is silent where one in ten is genuine, before 200 labels, and of labels that were taken back', () => {
    expect(tell(900, (n) => n % 10 !== 0)).toEqual([])
    expect(tell(199, () => true)).toEqual([])
    expect(tell(900, () => null)).toEqual([])
  })
})

const tell = (count: number, labelOf: (n: number) => boolean | null) => {
  const warnings: { labels: number; frauds: number }[] = []
  const balance = new LabelBalance((details) => void warnings.push({ ...details }))
  for (let n = 0; n < count; n++) balance.told(labelOf(n))
  return warnings
}
