import { join } from 'node:path'
import type { ServingSettings } from '../../config/serving-config.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import type { ServiceRetraining } from '../../lifecycle/retraining-of-service.ts'
import { logsOf } from '../../monitoring/look-settings.ts'
import type { ServingControl } from '../../retraining/retraining-works.ts'
import type { CommandContext } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { type ConfigPlace, readTrainingConfig } from '../config-option.ts'
import type { PipelineTools } from './run.ts'
import type { StateTools } from './state.ts'

/** What retraining works with, as the composition root hands it in. */
export interface RetrainingTools extends Omit<PipelineTools, 'storage' | 'world' | 'openDatabase'> {
  readonly storage: ServiceRetraining['storage']
  readonly world: ServiceRetraining['world']
  readonly modelLoader: StateTools['modelLoader']
}

export interface OpenRetraining {
  readonly place: ConfigPlace & Pick<CommandContext, 'work'>
  readonly settings: ServingSettings
  readonly tools: RetrainingTools
  readonly control: ServingControl
  /** Who does it, and by which program. */
  readonly by: string
  readonly program: string
}

/** What the works of a service are made from; whoever opens it closes the tracker of its store. */
export const openServiceRetraining = async ({
  place,
  settings,
  tools,
  control,
  by,
  program,
}: OpenRetraining): Promise<ServiceRetraining> => {
  const { workingDirectory, environment } = place
  const configOf = trainingConfigOf(place, settings)
  const { settings: training } = await configOf([])
  const store = tools.openTrackingStore(training.tracking, environment)
  return {
    model: modelOf(settings, training),
    logs: logsOf(settings),
    runs: join(settings.retraining.path, 'runs'),
    championSource: async () => (await control.serving()).champion,
    configOf,
    loadModel: tools.modelLoader(settings.model, environment, workingDirectory),
    store,
    storage: tools.storage,
    training: {
      renderers: tools.renderers,
      owner: tools.owner,
      runtime: tools.runtime,
      tracking: tools.trackThisProcess(store, program, workingDirectory),
    },
    workingDirectory,
    environment,
    workers: threadsOf(training.resources),
    work: workOf(place, training.resources),
    world: tools.world,
    by,
  }
}

/** Registered name of the model that is trained again. */
export const retrainedModel = async (place: ConfigPlace, settings: ServingSettings): Promise<string> =>
  modelOf(settings, (await trainingConfigOf(place, settings)([])).settings)

const modelOf = ({ retraining }: ServingSettings, { tracking }: TrainingSettings): string =>
  retraining.model || tracking.model

/** The champion's training configuration, with assignments of a challenger. */
const trainingConfigOf =
  (place: ConfigPlace, { retraining }: ServingSettings): ServiceRetraining['configOf'] =>
  (assignments) =>
    readTrainingConfig(place, {
      arguments: [],
      options: {
        set: assignments,
        ...(retraining.training !== '' && { config: retraining.training }),
      },
    })
