import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { readJson } from '../../disk/json-file.ts'
import { LAST_STEP, trainingSteps } from '../../pipelines/training-pipeline.ts'
import type { ReplayResult } from '../../replay/replay.ts'
import { otherConfiguration } from '../../steps/other-configuration.ts'
import { runPipeline } from '../../steps/run-pipeline.ts'
import type { Step } from '../../steps/step.ts'
import { countsText } from '../../transaction/entity-kind.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { freeOutput, withoutOut } from '../output-file.ts'
import { type PipelineTools, runFolder, trainingContext } from './run.ts'
import { estimateRun, holdToEstimate } from './run-estimate.ts'

/** Folder in a finished run for features of another configuration. */
const FEATURES_ONLY = '.features-only'

/** `vigia features`: the training steps up to the features, and their file where it is wanted. */
export const featuresCommand = (tools: Omit<PipelineTools, 'renderers'>): Command => ({
  name: 'features',
  summary: 'compute all features of a source, as training would see them',
  description:
    'Runs the steps of `vigia run` up to the features in the same run folder, so nothing is computed twice (beside them where the folder holds a finished run of another configuration), and copies the file: transaction_id, event_time_ms, user_id, merchant_id, is_fraud, labelled_at_ms, then one column per feature. Each value is what serving would have computed when the transaction arrived. What each feature means: docs/features.md.',
  options: [
    { flags: '-o, --out <file>', description: 'Parquet file to write', required: true },
    { flags: '--force', description: 'replace the file if it exists' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    {
      command: 'vigia features --config examples/second-bank/training_config.yaml --out features.parquet',
      explanation: "Another bank's export.",
    },
    {
      command: "vigia features --set 'features.include=[amount,user_tx_count_7d]' --out two.parquet",
      explanation: 'Only two features, with states as small as they allow.',
    },
  ],
  run: async (context, input) => {
    const config = await readTrainingConfig(context, input)
    const out = await freeOutput(context, input)
    const { folder, steps } = await stepsToFeatures(context, config, input, tools)
    await runPipeline(steps, {
      ...tools,
      folder,
      work: workOf(context, config.settings.resources),
      onStart: holdToEstimate(
        () => estimateRun(context, config, folder),
        (line) => {
          if (!context.json) context.stdout.write(line)
        },
      ),
    })
    const unfinished = `${out}.unfinished`
    try {
      await copyFile(join(folder, 'features', 'features.parquet'), unfinished)
      await rename(unfinished, out)
    } finally {
      await rm(unfinished, { force: true })
    }
    const result = await readJson<ReplayResult>(join(folder, 'features', 'replay.json'))
    context.stdout.write(context.json ? `${JSON.stringify({ out, ...result })}\n` : describe(out, result))
    return 0
  },
})

/**
 * The steps up to the features, in the run folder; where that is a finished run of another configuration, in
 * a folder beside its steps, because its own are kept.
 */
const stepsToFeatures = async (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
  input: CommandInput,
  tools: Pick<PipelineTools, 'runtime' | 'storage' | 'openDatabase'>,
): Promise<{ readonly folder: string; readonly steps: readonly Step[] }> => {
  const stepsIn = (folder: string): readonly Step[] => {
    const steps = trainingSteps(trainingContext(context, config, folder, tools))
    return steps.slice(0, steps.findIndex(({ name }) => name === 'features') + 1)
  }
  const folder = runFolder(context, config, withoutOut(input))
  const steps = stepsIn(folder)
  const changed = await otherConfiguration(steps, LAST_STEP, { folder, runtime: tools.runtime })
  if (changed === undefined) return { folder, steps }
  const beside = join(folder, FEATURES_ONLY)
  context.stderr.write(
    `${folder} is a finished run of another configuration and is kept (${changed}); working in ${beside}\n`,
  )
  return { folder: beside, steps: stepsIn(beside) }
}

const describe = (out: string, { rows, featureNames, counts }: ReplayResult): string =>
  [
    `${rows} transactions, ${featureNames.length} features: ${out}`,
    `states of ${countsText(counts.entities)}`,
    ...(counts.late + counts.tooLate > 0
      ? [`${counts.late} updates came late and were placed, ${counts.tooLate} came too late`]
      : []),
    ...(counts.truncated > 0
      ? [
          `${counts.truncated} transactions left full rings and are counted by steps: windows that reach them are approximate`,
        ]
      : []),
    '',
  ].join('\n')
