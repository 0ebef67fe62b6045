import { VigiaError } from '../../errors.ts'
import { carryOut, type Decided, type Deciding } from './promote.ts'
import { openPromotionLog } from './promotion-log.ts'
import { settleAliases } from './settle-aliases.ts'

/**
 * Gives `production` back to the version that had it before, at once: no gate is asked. The version that is
 * left becomes `previous`, so that a rollback can be rolled back.
 *
 * @throws REGISTRY_NOTHING_TO_ROLL_BACK, REGISTRY_DECISION_LOST, REGISTRY_DECISIONS_BROKEN and the errors of
 * the store
 */
export const rollBack = async ({ store, model, by, reason, world }: Deciding): Promise<Decided> => {
  const { registry, tracker } = store
  const log = await openPromotionLog({ tracker, model, world })
  const { decisions, aliases } = await settleAliases(log, registry, model)
  const from = aliases['production'] ?? null
  const to = aliases['previous'] ?? null
  const refuse = (why: string) => new VigiaError('REGISTRY_NOTHING_TO_ROLL_BACK', { model, reason: why })
  if (from === null) throw refuse('no version was promoted to production yet')
  if (to === null) throw refuse(`version ${from} is the first in production`)
  if ((await registry.findVersion(model, to)) === undefined)
    throw refuse(`version ${to}, which was in production before, is not in the registry any more`)
  const decision = await log.append(
    {
      id: world.newId(),
      action: 'rollback',
      alias: 'production',
      from,
      to,
      by,
      at: new Date(world.now()).toISOString(),
      reason: reason ?? `rolled back from version ${from}`,
      skipped: [],
      evidence: null,
    },
    decisions.length,
  )
  return { decision, settled: await carryOut(log, store, model, decision) }
}
