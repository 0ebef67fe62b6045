import type { DatasetInput } from '../../ports/experiment-tracker.ts'
import { refuses, same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law } from './tracker-law.ts'

/** Of tags, and of the data sets that a run read. */
export const tagAndInputLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(5, 'tags are replaced by the later one', async ({ tracker, other, startRun }) => {
    const { id } = await startRun({ state: 'new' })
    await other.logEntries(id, { tags: { state: 'old', 'with/slash': 'x' } })
    const { tags } = await tracker.getRun(id)
    same([tags['state'], tags['with/slash']], ['old', 'x'])
  }),
  law(
    7,
    'tags may have line breaks, quotes, any script, spaces at the ends, or nothing',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const tags = { note: 'línea 1\nlínea 2\n', odd: ` it's "検出" \\ 🙂 `, empty: '' }
      await tracker.logEntries(id, { tags })
      const read = (await other.getRun(id)).tags
      same([read['note'], read['odd'], read['empty']], [tags.note, tags.odd, tags.empty])
    },
  ),
  law(
    7,
    'tags of 8,000 characters arrive whole; a longer one is refused',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const whole = 'é'.repeat(8000)
      await tracker.logEntries(id, { tags: { long: whole } })
      same((await other.getRun(id)).tags['long'], whole)
      await refuses(tracker.logEntries(id, { tags: { long: `${whole}x` } }), 'TRACKING_VALUE_TOO_LONG')
    },
  ),
  law(
    5,
    'inputs come back by name, and to log them again changes nothing',
    async ({ tracker, other, startRun }) => {
      const { id } = await startRun()
      const inputs: DatasetInput[] = ['test', 'training'].map((context) => ({
        name: `transactions ${context}`,
        digest: `digest-${context}`,
        sourceType: 'local',
        source: '{"uri":"data/ñ.csv"}',
        schema: '{"mlflow_colspec":[]}',
        profile: '{"rows":10}',
        context,
      }))
      await tracker.logInputs(id, inputs)
      await tracker.logInputs(id, inputs)
      same(await other.listInputs(id), inputs)
    },
  ),
]
