import type { LoadedModel } from '../decisions/loaded-model.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import { goesOnFrom, type StoreIdentity } from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'

/**
 * Makes sure that states can follow the log of those that decide, for this model.
 *
 * @param deciding of the states that decide, and `champion` with them
 * @throws SERVING_BRANCH_REFUSED
 */
export const assertFits = (
  identity: StoreIdentity,
  model: LoadedModel,
  deciding: StoreIdentity,
  champion: LoadedModel,
): void => {
  const refuse = (reason: string) =>
    new VigiaError('SERVING_BRANCH_REFUSED', { layout: layoutName(model.layoutKey), reason })
  if (identity.logName !== deciding.logName)
    throw refuse(`they were made for the log ${identity.logName}, and this one is ${deciding.logName}`)
  if (!goesOnFrom(identity, model)) throw refuse('they were made for models of another layout')
  assertSameMeaning(model, champion)
}

/**
 * Makes sure that amounts and labels of a log mean to one model what they mean to the other.
 *
 * @throws SERVING_BRANCH_REFUSED
 */
export const assertSameMeaning = (model: LoadedModel, champion: LoadedModel): void => {
  const refuse = (reason: string) =>
    new VigiaError('SERVING_BRANCH_REFUSED', { layout: layoutName(model.layoutKey), reason })
  const [own, other] = [model.settings, champion.settings]
  if (own.amounts.decimals !== other.amounts.decimals)
    throw refuse(
      `its amounts have ${own.amounts.decimals} decimals, and those of the log ${other.amounts.decimals}`,
    )
  if (own.unlabelled !== other.unlabelled)
    throw refuse(
      `labels.unlabelled is ${own.unlabelled ?? 'unknown'}, and ${other.unlabelled ?? 'unknown'} for the model that decides`,
    )
}

/** States of a model's layout are there already. @param where which */
export const ofThisLayout = ({ layoutKey, description }: LoadedModel, where: string): VigiaError =>
  new VigiaError('SERVING_BRANCH_REFUSED', {
    layout: layoutName(layoutKey),
    reason: `${where} have its layout already, and ${description.name} ${description.version} goes on from them: POST /admin/models/switch, or a start with it`,
  })
