import type { ReplayResult } from '../replay/replay.ts'
import type { Step } from '../steps/step.ts'
import { FEATURE_INPUTS } from './feature-rows.ts'
import { readJson, writeJson } from './json-file.ts'
import type { TrainingContext } from './training-context.ts'
import type { SelectionOutcome } from './training-outcome.ts'

/** Training rows -> `selection.json`: the features that models get, and why the others do not. */
export const selectStep = ({ config }: TrainingContext): Step => ({
  name: 'select',
  activity: 'selecting features',
  inputs: [...FEATURE_INPUTS],
  settings: { selection: config.declared.selection, seed: config.declared.project.seed },
  module: import.meta.url,
  run: async ({ input, output }) => {
    const { featureNames } = await readJson<ReplayResult>(input('features', 'replay.json'))
    const outcome: SelectionOutcome = { schema: 1, methods: [], kept: featureNames, dropped: [], score: null }
    await writeJson(output('selection.json'), outcome)
  },
})
