import { generateDataset } from '../../dataset/generate/generate-dataset.ts'
import type { Step } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/** Settings -> `transactions.parquet` of an invented bank. Only where `source.path` is `generated`. */
export const generateStep = ({ config }: TrainingContext): Step => {
  const { generate, project } = config.settings
  const seed = generate.seed ?? project.seed
  return {
    name: 'generate',
    activity: 'generating transactions',
    inputs: [],
    settings: { generate: { ...generate, seed } },
    module: import.meta.url,
    run: async (work) => {
      await generateDataset({
        settings: generate,
        seed,
        out: work.output('transactions.parquet'),
        overwrite: false,
        work,
      })
    },
  }
}
