import { expect, test } from 'vitest'
import { createMemoryTrackingStore } from '../tracking/memory-tracking-store.test-kit.ts'
import { testFigures } from './look-figures.test-kit.ts'
import type { LookFigures } from './look-figures.ts'
import { trackLook } from './track-look.ts'

const NOW_MS = Date.parse('2026-12-01T00:21:00Z')

const figures = (date: string, changes: Partial<LookFigures> = {}): LookFigures =>
  testFigures({ date, ...changes })

test('each version of a model is a run, with a value of each day, and a day that is looked at again is there once', async () => {
  const { tracker } = createMemoryTrackingStore()
  await trackLook(tracker, 'looks', figures('2026-11-29'), NOW_MS)
  await trackLook(tracker, 'looks', figures('2026-11-30', { statistic: 7 }), NOW_MS + 1000)
  await trackLook(tracker, 'looks', figures('2026-11-30', { statistic: 7 }), NOW_MS + 9000)
  await trackLook(tracker, 'looks', figures('2026-11-30', { version: '4' }), NOW_MS + 9000)
  const experiment = await tracker.findExperiment('looks')
  const runs = []
  for (let page: string | undefined, first = true; first || page !== undefined; first = false) {
    const found = await tracker.searchRuns({
      experimentIds: [experiment!.id],
      ...(page !== undefined && { page }),
    })
    runs.push(...found.items)
    page = found.nextPage
  }
  expect(runs.map(({ name, status }) => [name, status]).sort()).toEqual([
    ['fraud 3', 'FINISHED'],
    ['fraud 4', 'FINISHED'],
  ])
  const third = runs.find(({ name }) => name === 'fraud 3')!
  const history = await tracker.metricHistory(third.id, 'drift_statistic')
  expect(history.map(({ step, value }) => [step, value])).toEqual([
    [20_786, 6.5],
    [20_787, 7],
  ])
  expect(third.metrics['drift_severity']!.value).toBe(1)
})

test('what there was no number of is left out', async () => {
  const { tracker } = createMemoryTrackingStore()
  await trackLook(tracker, 'looks', figures('2026-11-30', { limit: null, statistic: null }), NOW_MS)
  const { id } = (await tracker.findExperiment('looks'))!
  const { items } = await tracker.searchRuns({ experimentIds: [id] })
  expect(Object.keys(items[0]!.metrics).sort()).toEqual([
    'alert_rate',
    'changed_features',
    'drift_severity',
    'rows',
    'usual_alert_rate',
  ])
})

test('of two that make the experiment at once both write into it', async () => {
  const { tracker } = createMemoryTrackingStore()
  let asked = 0
  const late = {
    ...tracker,
    findExperiment: async (name: string) => (asked++ === 0 ? undefined : tracker.findExperiment(name)),
  }
  await trackLook(tracker, 'looks', figures('2026-11-29'), NOW_MS)
  await trackLook(late, 'looks', figures('2026-11-30'), NOW_MS)
  const { items } = await tracker.searchRuns({ experimentIds: [(await tracker.findExperiment('looks'))!.id] })
  expect(await tracker.metricHistory(items[0]!.id, 'rows')).toHaveLength(2)
})
