import { type Static, Type } from 'typebox'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { schemaCheck } from '../../foundation/json-schema.ts'

const closed = { additionalProperties: false }
const version = Type.Integer({ minimum: 1 })

const PromotionRecordSchema = Type.Object(
  {
    /** Its own, so that what is written again after a lost answer is known to be the same. */
    id: Type.String({ minLength: 1 }),
    action: Type.Union([Type.Literal('promote'), Type.Literal('rollback')]),
    alias: Type.Union([Type.Literal('production'), Type.Literal('staging')]),
    /** The version that had the alias before; null where none had. */
    from: Type.Union([version, Type.Null()]),
    to: version,
    by: Type.String(),
    /** ISO 8601, UTC. */
    at: Type.String(),
    reason: Type.String(),
    /** Gates that were passed over, by name. */
    skipped: Type.Array(Type.String()),
    /**
     * The evidence among the artifacts of the log, and its SHA-256; null for a rollback, which asks for none.
     */
    evidence: Type.Union([Type.Object({ path: Type.String(), sha256: Type.String() }, closed), Type.Null()]),
  },
  closed,
)

/** A version was given an alias, by a promotion or a rollback: who, when, why, and what had it before. */
export type Promotion = Static<typeof PromotionRecordSchema>

/** A decision in its place: numbers count from 1 on without gaps. */
export interface NumberedPromotion extends Promotion {
  readonly number: number
}

/** Aliases that decisions are about. `previous` goes with `production`. */
export type PromotedAlias = Promotion['alias']

/** Canonical JSON: the same decision is the same text. */
export const encodePromotion = (decision: Promotion): string => canonicalJson(decision)

/** The decision, or in words why the text is none. */
export const decodePromotion = (text: string): Promotion | { readonly problem: string } => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problem: 'it is no JSON' }
  }
  if (isPromotion(json)) return json
  const [problem] = isPromotion.errors ?? []
  return { problem: `${problem?.instancePath || 'it'} ${problem?.message ?? 'has another schema'}` }
}

const isPromotion = schemaCheck<Promotion>(PromotionRecordSchema)

/**
 * Version by alias after all decisions. An alias that no decision was about is not in it; `previous` is null
 * where production was given for the first time.
 */
export const aliasesAfter = (decisions: readonly Promotion[]): Readonly<Record<string, number | null>> => {
  const aliases: Record<string, number | null> = {}
  for (const { alias, from, to } of decisions) {
    aliases[alias] = to
    if (alias === 'production') aliases['previous'] = from
  }
  return aliases
}

/** `promote 3 to production (before: 2), by ana at 2026-01-31T09:00:00.000Z: better on test`. */
export const tellPromotion = ({ action, alias, from, to, by, at, reason }: Promotion): string =>
  `${action === 'promote' ? 'promote' : 'roll back'} ${to} to ${alias} (before: ${from ?? 'none'}), by ${by} at ${at}: ${reason}`
