import { VigiaError } from '../../errors.ts'
import type { ModelRegistry } from '../../ports/model-registry.ts'
import { aliasesAfter, type NumberedPromotion } from './promotion.ts'
import type { PromotionLog } from './promotion-log.ts'

/** An alias that was not where the decisions want it, and was put there. */
export interface RepairedAlias {
  readonly alias: string
  /** Version that it named; null for none. */
  readonly found: number | null
  readonly wanted: number | null
}

export interface SettledAliases {
  readonly decisions: readonly NumberedPromotion[]
  /** Version by alias, by the decisions. */
  readonly aliases: Readonly<Record<string, number | null>>
  /** What was changed, in order; more than once an alias when decisions came meanwhile. */
  readonly repaired: readonly RepairedAlias[]
  /** Aliases whose version is not in the registry any more: they stay as they are. */
  readonly impossible: readonly RepairedAlias[]
}

/**
 * Makes the registry's aliases say what the decisions say, and returns both.
 *
 * Whoever reads does this, not only who has decided: a process that was killed between its decision and the
 * aliases leaves them to the next one. The decisions are read again afterwards; if there are more, all is
 * done anew. So after the last writer has either finished or died, and one reader has come, the aliases are
 * those of the last decision. An alias that was moved by other means goes back: only decisions count. Aliases
 * that no decision was about are left alone.
 */
export const settleAliases = async (
  log: PromotionLog,
  registry: ModelRegistry,
  model: string,
): Promise<SettledAliases> => {
  const repaired: RepairedAlias[] = []
  for (;;) {
    const decisions = await log.read()
    const aliases = aliasesAfter(decisions)
    const impossible: RepairedAlias[] = []
    const present = decisions.length === 0 ? {} : ((await registry.findModel(model))?.aliases ?? {})
    for (const [alias, wanted] of Object.entries(aliases)) {
      const found = present[alias] ?? null
      if (found === wanted) continue
      const moved = await moveAlias(registry, model, alias, wanted)
      const list = moved ? repaired : impossible
      list.push({ alias, found, wanted })
    }
    const after = await log.read()
    if (after.length === decisions.length) return { decisions, aliases, repaired, impossible }
  }
}

const moveAlias = async (
  registry: ModelRegistry,
  model: string,
  alias: string,
  version: number | null,
): Promise<boolean> => {
  try {
    if (version === null) await registry.deleteAlias(model, alias)
    else await registry.setAlias(model, alias, version)
    return true
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'TRACKING_NOT_FOUND') return false
    throw error
  }
}
