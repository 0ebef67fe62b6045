import { expect, test } from 'vitest'
import { FAULT, statusesOf } from './retraining.test-kit.ts'
import { meanOf, playToyBank } from './toy-bank.test-kit.ts'

const CHANGE = { seed: 'toy', changeDay: 10, foundAfterDays: 3, days: 45 } as const

test('a bank whose frauds change gets at least four fifths of the lost precision back, by one run', async () => {
  const { precision, champions, book } = await playToyBank(CHANGE)
  const before = meanOf(precision, 0, 10)
  const promoted = champions.findIndex((champion) => champion !== champions[0])
  expect(promoted).toBeGreaterThan(10)
  const during = meanOf(precision, 10, promoted)
  const after = meanOf(precision, promoted, 45)
  expect(during).toBeLessThan(before / 2)
  expect((after - during) / (before - during)).toBeGreaterThan(0.8)
  expect(statusesOf(book).filter((status) => status === 'training')).toHaveLength(1)
  const order = [...book.episodes.values()][0]!.order!
  expect(order.judgedFromMs).toBeGreaterThan(order.validationFromMs)
})

test('a bank that does not change keeps its champion, though it is made to look each week', async () => {
  const weekly = (day: number) =>
    day % 10 === 0 ? [{ kind: 'schedule', dueMs: Date.UTC(2026, 0, 1) + day * 86_400_000 } as const] : []
  const { champions, book } = await playToyBank({ ...CHANGE, changeDay: 99, findings: weekly })
  expect(new Set(champions).size).toBe(1)
  expect(statusesOf(book).filter((status) => status === 'refused').length).toBeGreaterThanOrEqual(3)
})

test('the same change beside a broken feed waits until the feed is mended', async () => {
  const findings = (day: number) => {
    const concept = { kind: 'concept_drift', severity: 'severe', what: 'precision' } as const
    const found = day >= 13 && day < 40 ? [{ ...concept, sinceMs: Date.UTC(2026, 0, 11) }] : []
    return day >= 14 && day < 34 ? [...found, { ...FAULT, days: [] }] : found
  }
  const { champions, book } = await playToyBank({ ...CHANGE, findings })
  const held = book.records.find(({ to }) => to === 'held')!
  const trained = book.records.find(({ to }) => to === 'training')!
  expect(held.atMs).toBeLessThan(trained.atMs)
  expect(trained.look).toBe('daily 34')
  expect(champions.slice(0, 34).every((champion) => champion === champions[0])).toBe(true)
})
