import { codesOf, refuses, same, tenOf } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law, metric } from './tracker-law.ts'

/** Of parameters, which are written once. */
export const parameterLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(
    3,
    'parameters are written once: the same again changes nothing, another value is refused',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      await tracker.logEntries(id, { params: { depth: '6' } })
      await other.logEntries(id, { params: { depth: '6' } })
      await refuses(other.logEntries(id, { params: { depth: '7' } }), 'TRACKING_PARAM_CONFLICT')
      same((await other.getRun(id)).params, { depth: '6' })
    },
  ),
  law(
    3,
    'parameters of ten who write different values at once, one succeeds',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const outcomes = await Promise.allSettled(
        tenOf((i) => (i % 2 ? tracker : other).logEntries(id, { params: { decision: `writer ${i}` } })),
      )
      same(codesOf(outcomes), Array(9).fill('TRACKING_PARAM_CONFLICT'))
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
      same((await tracker.getRun(id)).params, { decision: `writer ${winner}` })
    },
  ),
  law(
    1,
    'parameters have names and values of any script, with slashes, line breaks and quotes',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const params = {
        'features/windows/größe': '[1h, 7d]',
        'señal 検出': 'línea 1\nlínea 2\ttab',
        'a.b-c_d e': `it's "quoted" \\ and 50% 🙂`,
        null: 'null',
        yes: 'no',
        number: '007',
      }
      await tracker.logEntries(id, { params })
      same((await other.getRun(id)).params, params)
    },
  ),
  law(1, 'parameters may be empty or end with a line break', async ({ tracker, other, startRun }) => {
    const { id } = await startRun()
    const params = { empty: '', ending: 'line\n', spaces: ' x ' }
    await tracker.logEntries(id, { params })
    same((await other.getRun(id)).params, params)
  }),
  law(7, 'parameters may be ten thousand', async ({ tracker, other, startRun }) => {
    const { id } = await startRun()
    const params = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`section/setting_${i}`, `value ${i}`]),
    )
    await tracker.logEntries(id, { params })
    same((await other.getRun(id)).params, params)
  }),
  law(
    7,
    'parameters of 6,000 characters arrive whole; a longer one is refused, and nothing of its call is written',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const whole = 'ñ'.repeat(6000)
      await tracker.logEntries(id, { params: { long: whole } })
      await refuses(
        tracker.logEntries(id, { params: { before: '1', long2: `${whole}x` } }),
        'TRACKING_VALUE_TOO_LONG',
      )
      same((await other.getRun(id)).params, { long: whole })
    },
  ),
  ...['', '../up', '/root', 'a//b', 'a/./b', 'semi;colon', 'x'.repeat(251)].map((key) =>
    law(
      7,
      `the key ${JSON.stringify(key)} is refused, and nothing of its call is written`,
      async ({ tracker, other, startRun }) => {
        const { id } = await startRun()
        const writes = [
          { params: { fine: '1', [key]: '1' } },
          { tags: { fine: '1', [key]: '1' } },
          { metrics: [metric('fine', 1), metric(key, 1)] },
        ]
        for (const entries of writes) await refuses(tracker.logEntries(id, entries), 'TRACKING_NAME_INVALID')
        const { params, tags, metrics } = await other.getRun(id)
        same([params['fine'], tags['fine'], metrics['fine']], [undefined, undefined, undefined])
      },
    ),
  ),
]
