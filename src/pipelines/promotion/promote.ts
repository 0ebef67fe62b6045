import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findVersion } from '../../artifacts/find-version.ts'
import { VigiaError } from '../../errors.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { World } from '../../foundation/world.ts'
import type { ModelVersion } from '../../ports/model-registry.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { type PromotionEvidence, promotionEvidence } from './evidence.ts'
import { judgePromotion, NOT_MEASURED, type PromotionGate, type PromotionGateResult } from './gates.ts'
import { type MeasureOptions, measureGates } from './measure-gates.ts'
import type { NumberedPromotion, PromotedAlias, Promotion } from './promotion.ts'
import { openPromotionLog, type PromotionLog } from './promotion-log.ts'
import { type SettledAliases, settleAliases } from './settle-aliases.ts'

/** Who decides on which model, and the world that dates and names the decision. */
export interface Deciding {
  readonly store: TrackingStore
  /** Name of the registered model. */
  readonly model: string
  readonly by: string
  /** Absent: what the decision itself says. */
  readonly reason?: string
  readonly world: World
}

export interface PromoteOptions extends Deciding, Omit<MeasureOptions, 'registry' | 'candidate' | 'present'> {
  /** `3`, `@staging`, `latest`. */
  readonly version: string
  readonly to: PromotedAlias
  /** Gates that need not be passed. */
  readonly skip: readonly PromotionGate[]
  /** Told before anything is decided, and before a gate that is not passed becomes an error. */
  readonly onGates?: (gates: readonly PromotionGateResult[]) => void
}

/** What a promotion or rollback came to. */
export interface Decided {
  readonly decision: NumberedPromotion
  readonly settled: SettledAliases
}

export interface Promoted extends Decided {
  readonly evidence: PromotionEvidence
}

/**
 * Gives a version the alias `to`, if it passes the gates: gates, evidence, decision, alias.
 *
 * The decision is the point of no return, and one of several at once has it: who decides has seen all
 * decisions before, or loses. The evidence is stored before it, so that no decision is without; aliases come
 * after it, and are put right by whoever reads next should this process not get to them.
 *
 * @returns undefined when the alias names the version already: nothing is decided
 * @throws REGISTRY_VERSION_UNKNOWN, REGISTRY_GATES_FAILED, REGISTRY_DECISION_LOST, REGISTRY_DECISIONS_BROKEN,
 * INTERRUPTED and the errors of the store
 */
export const promote = async (options: PromoteOptions): Promise<Promoted | undefined> => {
  const { store, model, to, skip, settings, world } = options
  const { registry } = store
  const log = await openPromotionLog({ tracker: store.tracker, model, world })
  const { decisions, aliases } = await settleAliases(log, registry, model)
  const candidate = await findVersion(registry, model, options.version)
  const from = aliases[to] ?? (await registry.findModel(model))?.aliases[to] ?? null
  if (from === candidate.version) return undefined
  const present = from === null ? undefined : await findVersion(registry, model, String(from))
  const measured = await measureGates({ ...options, registry, candidate, present })
  const gates = judgePromotion(settings, measured, skip)
  options.onGates?.(gates)
  requirePassed(gates, candidate, to)
  options.work.signal.throwIfAborted()
  const decision = {
    id: world.newId(),
    action: 'promote',
    alias: to,
    from,
    to: candidate.version,
    by: options.by,
    at: new Date(world.now()).toISOString(),
    reason: options.reason ?? 'passed every gate',
    skipped: [...new Set(gates.filter(({ skipped }) => skipped).map(({ gate }) => gate))],
  } as const satisfies Omit<Promotion, 'evidence'>
  const evidence = promotionEvidence(candidate, decision, gates, measured, settings)
  const kept = await keepEvidence(log, evidence, decisions.length + 1)
  const made = await log.append({ ...decision, evidence: kept }, decisions.length)
  return { decision: made, evidence, settled: await carryOut(log, store, model, made) }
}

/**
 * Aliases as the decisions want them; and the decision in tags of its version, for people who look at it in
 * the registry.
 */
export const carryOut = async (
  log: PromotionLog,
  { registry }: TrackingStore,
  model: string,
  { number, to, by, at, reason }: NumberedPromotion,
): Promise<SettledAliases> => {
  const settled = await settleAliases(log, registry, model)
  await registry.tagVersion(model, to, {
    'vigia.decision': String(number),
    'vigia.promoted_by': by,
    'vigia.promoted_at': at,
    'vigia.promotion_reason': reason,
  })
  return settled
}

const requirePassed = (
  gates: readonly PromotionGateResult[],
  { name, version }: ModelVersion,
  alias: string,
): void => {
  const failed = gates.filter(({ passed, skipped }) => !passed && !skipped)
  if (failed.length === 0) return
  throw new VigiaError('REGISTRY_GATES_FAILED', {
    version,
    model: name,
    alias,
    count: failed.length === 1 ? '1 gate' : `${failed.length} gates`,
    gates: tellFailed(failed),
  })
}

/** Each that came short, and those that could not be measured by the reason why. */
const tellFailed = (failed: readonly PromotionGateResult[]): string => {
  const reasons = new Map<string, Set<string>>()
  for (const { gate, got, why } of failed)
    if (got === NOT_MEASURED) reasons.set(why, (reasons.get(why) ?? new Set()).add(gate))
  return [
    ...failed
      .filter(({ got }) => got !== NOT_MEASURED)
      .map(({ gate, name, wanted, got }) => `${gate} (${name}: wanted ${wanted}, got ${got})`),
    ...[...reasons].map(([why, gates]) => `${[...gates].join(', ')} not measured: ${why}`),
  ].join('; ')
}

/** The decision's own name is in the path: of two who decide at once, each keeps evidence of its own. */
const keepEvidence = async (
  log: PromotionLog,
  evidence: PromotionEvidence,
  number: number,
): Promise<NonNullable<Promotion['evidence']>> => {
  const path = `evidence/decision.${String(number).padStart(6, '0')}-${evidence.decision.id}.json`
  const text = `${JSON.stringify(evidence, null, 2)}\n`
  const work = await mkdtemp(join(tmpdir(), 'vigia-evidence-'))
  try {
    const file = join(work, 'evidence.json')
    await writeFile(file, text)
    await log.keep(file, path)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return { path, sha256: sha256(text) }
}
