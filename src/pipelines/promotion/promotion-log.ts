import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { ExperimentTracker, TrackedRun } from '../../ports/experiment-tracker.ts'
import {
  decodePromotion,
  encodePromotion,
  type NumberedPromotion,
  type Promotion,
  tellPromotion,
} from './promotion.ts'

/** Whose log it is, and the world that names and dates its run. */
export interface PromotionLogOptions {
  readonly tracker: ExperimentTracker
  /** Name of the registered model. */
  readonly model: string
  readonly world: Pick<World, 'now' | 'newId'>
}

/** All promotions and rollbacks of one model, in their order: each is one decision of a person. */
export interface PromotionLog {
  /** The run that holds them; undefined as long as nobody has decided anything. */
  readonly runId: () => string | undefined
  /** @throws REGISTRY_DECISIONS_BROKEN */
  read(): Promise<readonly NumberedPromotion[]>
  /**
   * Adds a decision that was made knowing exactly `expectedCount` others.
   *
   * @throws REGISTRY_DECISION_LOST when there is another one meanwhile: it names that
   */
  append(decision: Promotion, expectedCount: number): Promise<NumberedPromotion>
  /** Stores a local file beside the decisions, before the decision that names it. */
  keep(localPath: string, artifactPath: string): Promise<void>
}

/**
 * The promotion log of a model: one run in the experiment `<model> decisions`, decision n its parameter
 * `decision.00000n`.
 *
 * There is no lock. A parameter is written once (law 3 of the tracker), so of two who write decision n one
 * gets a conflict, and has lost. The run is made together with an experiment of a name that nobody else has;
 * both become the log by renaming the experiment, which succeeds for one only (law 2). A loser's experiment
 * stays behind under its own name, unused.
 *
 * Reading makes nothing: the log begins with the first decision.
 */
export const openPromotionLog = async ({
  tracker,
  model,
  world,
}: PromotionLogOptions): Promise<PromotionLog> => {
  let runId = await findLog(tracker, model)
  const required = async (): Promise<string> => {
    runId ??= (await findLog(tracker, model)) ?? (await createLog(tracker, model, world.newId(), world.now()))
    return runId
  }
  const read = async (): Promise<readonly NumberedPromotion[]> => {
    runId ??= await findLog(tracker, model)
    return runId === undefined ? [] : decisionsOf(await tracker.getRun(runId), model)
  }
  return {
    runId: () => runId,
    read,
    append: async (decision, expectedCount) => {
      const run = await required()
      const number = expectedCount + 1
      const lost = (decisions: readonly NumberedPromotion[]) => {
        const other = decisions[expectedCount]
        return new VigiaError('REGISTRY_DECISION_LOST', {
          number,
          model,
          other: other === undefined ? 'not readable' : tellPromotion(other),
        })
      }
      // Never leaves a gap: a decision is only written after the one before.
      const present = await read()
      const same = present[expectedCount]
      if (same !== undefined && same.id !== decision.id) throw lost(present)
      if (present.length < expectedCount) throw lost(present)
      try {
        await tracker.logEntries(run, { params: { [keyOf(number)]: encodePromotion(decision) } })
      } catch (error) {
        if (error instanceof VigiaError && error.code === 'TRACKING_PARAM_CONFLICT') throw lost(await read())
        throw error
      }
      return { ...decision, number }
    },
    keep: async (localPath, artifactPath) => tracker.logArtifact(await required(), localPath, artifactPath),
  }
}

const KIND = 'vigia.kind'
const LOG = 'decisions'
const PREFIX = 'decision.'

const nameOf = (model: string): string => `${model} decisions`

const keyOf = (number: number): string => `${PREFIX}${String(number).padStart(6, '0')}`

const findLog = async (tracker: ExperimentTracker, model: string): Promise<string | undefined> => {
  const experiment = await tracker.findExperiment(nameOf(model))
  if (experiment === undefined) return undefined
  const { items } = await tracker.searchRuns({ experimentIds: [experiment.id], tags: { [KIND]: LOG } })
  if (items.length === 1) return items[0]!.id
  throw new VigiaError('REGISTRY_DECISIONS_BROKEN', {
    model,
    where: `${tracker.location}, experiment ${nameOf(model)}`,
    reason: `it has ${items.length} runs tagged ${KIND} = ${LOG}, not one`,
  })
}

const createLog = async (
  tracker: ExperimentTracker,
  model: string,
  id: string,
  nowMs: number,
): Promise<string> => {
  const name = nameOf(model)
  const experiment = await tracker.createExperiment(`${name} ${id}`, { [KIND]: LOG })
  const run = await tracker.createRun({
    experimentId: experiment.id,
    name,
    startTimeMs: nowMs,
    tags: { [KIND]: LOG },
  })
  try {
    await tracker.renameExperiment(experiment.id, name)
    return run.id
  } catch (error) {
    if (!(error instanceof VigiaError) || error.code !== 'TRACKING_EXPERIMENT_EXISTS') throw error
    const found = await findLog(tracker, model)
    // The name belongs to an experiment that was deleted: the error says so.
    if (found === undefined) throw error
    return found
  }
}

const decisionsOf = ({ id, params }: TrackedRun, model: string): readonly NumberedPromotion[] => {
  const decisions: NumberedPromotion[] = []
  const count = Object.keys(params).filter((key) => key.startsWith(PREFIX)).length
  for (let number = 1; number <= count; number++) {
    const text = params[keyOf(number)]
    const decision = text === undefined ? { problem: 'it is missing' } : decodePromotion(text)
    if ('problem' in decision)
      throw new VigiaError('REGISTRY_DECISIONS_BROKEN', {
        model,
        where: `run ${id}`,
        reason: `${keyOf(number)}: ${decision.problem}`,
      })
    decisions.push({ ...decision, number })
  }
  return decisions
}
