import { refuses, same, tenOf } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law, metric, START } from './tracker-law.ts'

/** Of metrics and their histories. */
export const metricLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(
    4,
    'metrics have a history by step and time, and a run shows the last',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const points = [
        metric('loss', 0.5, 1, START + 10),
        metric('loss', 0.25, 2, START + 20),
        metric('loss', 0.75, 0, START + 30),
        metric('loss', 0.125, 2, START + 25),
      ]
      await tracker.logEntries(id, { metrics: points })
      same(
        (await other.metricHistory(id, 'loss')).map(({ value }) => value),
        [0.75, 0.5, 0.25, 0.125],
      )
      same((await other.getRun(id)).metrics['loss'], points[3])
      same(await other.metricHistory(id, 'gain'), [])
    },
  ),
  law(4, 'a value that is logged again is kept once', async ({ tracker, other, startRun }) => {
    const { id } = await startRun()
    const points = [metric('auc', 0.9, 1), metric('auc', Number.NaN, 2), metric('auc', 0.9, 2)]
    await tracker.logEntries(id, { metrics: points })
    await other.logEntries(id, { metrics: [...points, metric('auc', 0.95, 3)] })
    const history = await tracker.metricHistory(id, 'auc')
    same(history.map(({ step, value }) => `${step}: ${value}`).sort(), [
      '1: 0.9',
      '2: 0.9',
      '2: NaN',
      '3: 0.95',
    ])
  }),
  law(
    4,
    'NaN, infinities and the ends of the doubles come back as they were',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const values = [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        5e-324,
        0.1 + 0.2,
        -1e300,
        123456789012345680000,
        0,
      ]
      await tracker.logEntries(id, { metrics: values.map((value, step) => metric('odd', value, step)) })
      const history = await other.metricHistory(id, 'odd')
      same(
        history.map(({ value }) => value),
        values,
      )
    },
  ),
  law(
    1,
    'names of metrics may have slashes, and five thousand values arrive',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const metrics = Array.from({ length: 5000 }, (_, step) =>
        metric('curves/train/log loss', step / 7, step),
      )
      await tracker.logEntries(id, { metrics })
      const history = await other.metricHistory(id, 'curves/train/log loss')
      same(history, metrics)
    },
  ),
  law(
    7,
    'a step or time that is not whole is refused, and nothing of its call is written',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      for (const odd of [
        metric('odd', 1, 0.5),
        metric('odd', 1, 1, START + 0.25),
        metric('odd', 1, Number.NaN),
      ])
        await refuses(tracker.logEntries(id, { metrics: [metric('fine', 1), odd] }), 'TRACKING_VALUE_INVALID')
      same((await other.getRun(id)).metrics, {})
    },
  ),
  law(1, 'metrics written by two at once all arrive', async ({ tracker, other, startRun }) => {
    const { id } = await startRun()
    await Promise.all(
      tenOf((i) => (i % 2 ? tracker : other).logEntries(id, { metrics: [metric('shared', i, i)] })),
    )
    same(
      (await tracker.metricHistory(id, 'shared')).map(({ value }) => value),
      Array.from({ length: 10 }, (_, i) => i),
    )
  }),
]
