import { VigiaError } from '../../errors.ts'
import type { Experiment, ExperimentTracker } from '../../ports/experiment-tracker.ts'
import { checkExperimentName, checkTags } from '../../ports/tracking-limits.ts'
import { textsOf } from './log-batches.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { experimentOf, REQUEST_TAG, type WireExperiment } from './mlflow-messages.ts'
import { find, get, orNotFound, post } from './mlflow-requests.ts'

/** Experiments of an MLflow server. */
export const experimentCalls = (
  client: MlflowClient,
): Pick<ExperimentTracker, 'createExperiment' | 'renameExperiment' | 'findExperiment'> => ({
  async createExperiment(name, tags = {}) {
    checkExperimentName('Experiment', name)
    checkTags(tags)
    const made = await client.createOnce<Experiment>(
      (key) => post('experiments/create', { name, tags: textsOf({ ...tags, [REQUEST_TAG]: key }) }),
      (body) => ({ id: (body as { experiment_id: string }).experiment_id, name, tags }),
      async (key) => {
        const found = await findByName(client, name)
        return found?.tags?.some((tag) => tag.value === key) ? experimentOf(found) : undefined
      },
    )
    if (!('refusal' in made)) return made
    if (made.refusal.errorCode === 'RESOURCE_ALREADY_EXISTS')
      throw exists(client, name, await findByName(client, name))
    throw client.refused(made.refusal)
  },

  async renameExperiment(id, name) {
    checkExperimentName('Experiment', name)
    const answer = await client.call(post('experiments/update', { experiment_id: id, new_name: name }))
    if (!('refusal' in answer)) return
    // The server has no word of its own for a name that is taken.
    const holder = await findByName(client, name)
    if (holder !== undefined && holder.experiment_id !== id) throw exists(client, name, holder)
    throw orNotFound(client, answer.refusal, `experiment ${id}`)
  },

  async findExperiment(name) {
    const found = await findByName(client, name)
    return found === undefined || found.lifecycle_stage === 'deleted' ? undefined : experimentOf(found)
  },
})

const findByName = async (client: MlflowClient, name: string): Promise<WireExperiment | undefined> => {
  const request = get('experiments/get-by-name', { experiment_name: name })
  return (await find<{ experiment: WireExperiment }>(client, request))?.experiment
}

const exists = (client: MlflowClient, name: string, holder: WireExperiment | undefined): VigiaError =>
  new VigiaError('TRACKING_EXPERIMENT_EXISTS', {
    location: client.location,
    name,
    detail: holder?.lifecycle_stage === 'deleted' ? ', which was deleted' : '',
  })
