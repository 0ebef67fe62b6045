import { expect, test } from 'vitest'
import { changesFound, intervalOf, looksAt, simulatedBanks } from '../../src/drift/drift-evidence.test-kit.ts'
import { isAtLeast } from '../../src/drift/severity.ts'

/*
 * What docs/drift.md says of the detector, on six seeds that none of its rules was chosen on: 60 features
 * with what makes detectors cry wolf, 10,000 rows a day.
 */

const BANKS = simulatedBanks(201, 6, 100)

test('no drift: at most one look in twenty raises anything over all features, score and segments', () => {
  const looks = BANKS.flatMap(looksAt)
  const raised = looks.filter(({ isRaised }) => isRaised).length
  expect(looks).toHaveLength(600)
  expect(raised).toBeLessThanOrEqual(30)
  expect(intervalOf(raised, looks.length).high).toBeLessThan(0.075)
  expect(looks.filter(({ severity }) => isAtLeast(severity, 'moderate')).length).toBeLessThanOrEqual(20)
  expect(looks.filter(({ severity }) => isAtLeast(severity, 'severe'))).toEqual([])
  // The tests of textbooks raise every one of them.
  const naive = looks.filter(({ features }) => features.some(({ tests }) => tests.adjustedPValue < 0.05))
  expect(naive).toHaveLength(600)
})

test('one feature of sixty changed: found on that feature', () => {
  const shares = changesFound(BANKS).map(({ title, found, trials }) => ({ title, share: found / trials }))
  const bounds = {
    '.1 sd, independent rows, the same day': 0.95,
    '.05 sd, independent rows, within 3 days': 0.95,
    // What wanders by as much from day to day is not told from a change.
    '.1 sd, rows of the same users and risks with memory too, the same day': 0.6,
    '.05 sd, the same, within 3 days': 0.45,
    'a category of 1 % doubled, the same day': 0.9,
    'missing values 2 % to 4 %, the same day': 0.95,
  }
  expect(shares.map(({ title }) => title)).toEqual(Object.keys(bounds))
  for (const { title, share } of shares)
    expect([title, share >= bounds[title as keyof typeof bounds]]).toEqual([title, true])
})
