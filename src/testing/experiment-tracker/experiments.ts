import { codesOf, refuses, same, tenOf } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law, unique } from './tracker-law.ts'

/** Of experiments and their names. */
export const experimentLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(
    1,
    'experiments are found by their names, with their tags, by every process',
    async ({ tracker, other }) => {
      const name = unique(`/Prüfung: 検出's "50%"`)
      const made = await tracker.createExperiment(name, { 'team/owner': 'Ada' })
      same(made.name, name)
      const found = await other.findExperiment(name)
      same([found?.id, found?.name, found?.tags['team/owner']], [made.id, name, 'Ada'])
      same(await other.findExperiment(unique('none')), undefined)
    },
  ),
  law(2, 'experiments have a name each: a second one is refused', async ({ other, experiment }) => {
    await refuses(other.createExperiment(experiment.name), 'TRACKING_EXPERIMENT_EXISTS')
  }),
  law(
    2,
    'experiments of ten who create one name at once, one succeeds, and its tags are there',
    async ({ tracker, other }) => {
      const name = unique('contested')
      const outcomes = await Promise.allSettled(
        tenOf((i) => (i % 2 ? tracker : other).createExperiment(name, { writer: String(i) })),
      )
      same(codesOf(outcomes), Array(9).fill('TRACKING_EXPERIMENT_EXISTS'))
      const found = await tracker.findExperiment(name)
      same(found?.tags['writer'], String(outcomes.findIndex(({ status }) => status === 'fulfilled')))
    },
  ),
  law(
    2,
    'experiments are renamed, and of ten renamed to one name at once, one is',
    async ({ tracker, other }) => {
      const name = unique('goal')
      const made = await Promise.all(tenOf(() => tracker.createExperiment(unique('start'))))
      const outcomes = await Promise.allSettled(
        made.map(({ id }, i) => (i % 2 ? tracker : other).renameExperiment(id, name)),
      )
      same(codesOf(outcomes), Array(9).fill('TRACKING_EXPERIMENT_EXISTS'))
      const winner = made[outcomes.findIndex(({ status }) => status === 'fulfilled')]!
      same((await other.findExperiment(name))?.id, winner.id)
      same(await other.findExperiment(winner.name), undefined)
    },
  ),
  ...['', ' padded', 'two\nlines', 'x'.repeat(251)].map((name) =>
    law(7, `the name ${JSON.stringify(name)} is refused`, async ({ tracker }) => {
      await refuses(tracker.createExperiment(name), 'TRACKING_NAME_INVALID')
    }),
  ),
]
