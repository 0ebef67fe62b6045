import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  alertChannelLaws,
  algorithmLaws,
  experimentTrackerLaws,
  modelRegistryLaws,
  predictionLogLaws,
  sharedStateStoreLaws,
  stateStoreLaws,
} from '../../src/testing/index.ts'
import { runLaws } from '../../src/testing/run-laws.ts'
import { numbersOf } from './faults.ts'

test.each([
  ['src/ports/state-store.ts', [...stateStoreLaws, ...sharedStateStoreLaws]],
  ['src/ports/experiment-tracker.ts', experimentTrackerLaws],
  ['src/ports/model-registry.ts', modelRegistryLaws],
  ['src/ports/prediction-log.ts', predictionLogLaws],
  ['src/learning/algorithm.ts', algorithmLaws],
  ['src/ports/alert-channel.ts', alertChannelLaws],
])('the numbered laws of %s are those of its suite, and every title is there once', (path, laws) => {
  const numbered = [...readFileSync(path, 'utf8').matchAll(/^ \* (\d+)\. /gm)].map(([, number]) =>
    Number(number),
  )
  const titles = laws.map(({ title }) => title)
  expect(numbersOf(titles)).toEqual(numbered)
  expect(new Set(titles).size).toBe(titles.length)
})

test('a report for a script: what was kept, what was broken and how, what was skipped and why', async () => {
  const report = await runLaws(
    [
      law('law 1: kept', async () => {}),
      law('law 2: broken', async () => {
        throw new Error('two lines,\nhere they are')
      }),
      law('law 3: skipped', async () => {}, 'memory ends'),
      law('law 4: never ends', () => new Promise<void>(() => {})),
    ],
    undefined,
    { timeoutMs: 1 },
  )
  expect(report.text.split('\n')).toEqual([
    'kept     law 1: kept',
    'BROKEN   law 2: broken',
    '         two lines,',
    '         here they are',
    'skipped  law 3: skipped (memory ends)',
    'BROKEN   law 4: never ends',
    '         the check did not end within 1 ms',
    '1 kept, 2 broken, 1 skipped',
  ])
  expect(report.broken.map(({ title }) => title)).toEqual(['law 2: broken', 'law 4: never ends'])
  expect(report.skipped).toEqual([{ title: 'law 3: skipped', reason: 'memory ends' }])
})

const law = (title: string, check: () => Promise<void>, reason?: string) => ({
  title,
  check,
  skipReason: () => reason,
})
