import { expect, test } from 'vitest'
import { VigiaError } from '../errors.ts'
import { loadServingConfig } from './config-manager.ts'

const load = (assignments: readonly string[], environment: Record<string, string> = {}) =>
  loadServingConfig({ environment, assignments, workingDirectory: '/bank' }).settings.control_sample

const refused = (...assignments: readonly string[]): string => {
  try {
    load(assignments)
  } catch (error) {
    if (error instanceof VigiaError) return error.message
    throw error
  }
  return 'it was taken'
}

test('nothing is drawn unless somebody asks for it', () => {
  expect(load([])).toEqual({ let_through: 0, review: 0, most_amount_minor: {}, except: {}, salt: '' })
})

test('a share, bounds by currency and a secret of the environment make a sample', () => {
  const settings = load(
    ['control_sample.let_through=0.02', 'control_sample.most_amount_minor={EUR: 5000, other: 100}'],
    { VIGIA_CONTROL_SAMPLE__SALT: 'a secret' },
  )
  expect(settings).toMatchObject({
    let_through: 0.02,
    most_amount_minor: { EUR: 5000, other: 100 },
    salt: 'a secret',
  })
})

test.each([
  [['control_sample.let_through=0.02'], 'control_sample.most_amount_minor: allowed with let_through above 0'],
  [['control_sample.let_through=0.02'], 'control_sample.salt: allowed where a share is above 0'],
  [['control_sample.review=0.02'], 'control_sample.salt: allowed where a share is above 0'],
  [['control_sample.review=2'], 'control_sample.review'],
  [['control_sample.most_amount_minor={EUR: 0.5}'], 'control_sample.most_amount_minor'],
])('%s is refused: %s', (assignments, words) => {
  expect(refused(...assignments)).toContain(words)
})

test('review alone needs no bound: it lets nothing through', () => {
  expect(load(['control_sample.review=0.02', 'control_sample.salt=a secret']).review).toBe(0.02)
})
