import { type Parts, recordAt, refuse } from '../imported/parts.ts'

/** Objectives whose probability is the logistic function of the margin. */
const LOGISTIC = ['binary:logistic', 'reg:logistic']

/** Why models of the other objectives have no probability, by what their names begin with. */
const REASONS: readonly (readonly [start: string, reason: string])[] = [
  [
    'reg:squarederror',
    'which gives no probability. It is also what stands in the file where the objective was a function and had no name: train with objective="binary:logistic" beside it, and save again',
  ],
  ['binary:logitraw', 'whose scores are margins and no probabilities: train with binary:logistic'],
  ['binary:hinge', 'whose scores are 0 or 1 and no probabilities: train with binary:logistic'],
  ['multi:', 'which has a score for each class, also for two: train with binary:logistic'],
  ['rank:', 'whose scores rank and are no probabilities: train with binary:logistic'],
]

/**
 * The name of the objective, where it gives one probability.
 *
 * @throws LEARNING_IMPORT_REFUSED where it gives something else, or the model has several outputs
 */
export const requireLogistic = (learner: Parts, parameters: Parts): string => {
  const name = String(recordAt(learner['objective'], 'learner.objective')['name'])
  if (!LOGISTIC.includes(name)) {
    const why =
      REASONS.find(([start]) => name.startsWith(start))?.[1] ?? 'which is not known to give probabilities'
    refuse('learner.objective.name', `is ${name}, ${why}; allowed: ${LOGISTIC.join(', ')}`)
  }
  for (const count of ['num_class', 'num_target']) {
    if (Number(parameters[count] ?? 0) > 1)
      refuse(
        `learner.learner_model_param.${count}`,
        `is ${String(parameters[count])}: the model has several outputs; allowed: one, the probability of fraud`,
      )
  }
  return name
}
