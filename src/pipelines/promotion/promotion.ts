import { type Static, Type } from 'typebox'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { schemaCheck } from '../../foundation/json-schema.ts'

const closed = { additionalProperties: false }
const version = Type.Integer({ minimum: 1 })

const DecisionSchema = Type.Object(
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

/** A version was given an alias: who, when, why, and what it was before. */
export type Decision = Static<typeof DecisionSchema>

/** A decision in its place: numbers count from 1 on without gaps. */
export interface NumberedDecision extends Decision {
  readonly number: number
}

/** Aliases that decisions are about. `previous` goes with `production`. */
export type DecidedAlias = Decision['alias']

/** Canonical JSON: the same decision is the same text. */
export const encodeDecision = (decision: Decision): string => canonicalJson(decision)

/** The decision, or in words why the text is none. */
export const decodeDecision = (text: string): Decision | { readonly problem: string } => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problem: 'it is no JSON' }
  }
  if (isDecision(json)) return json
  const [problem] = isDecision.errors ?? []
  return { problem: `${problem?.instancePath || 'it'} ${problem?.message ?? 'has another schema'}` }
}

const isDecision = schemaCheck<Decision>(DecisionSchema)

/**
 * Version by alias after all decisions. An alias that no decision was about is not in it; `previous` is null
 * where production was given for the first time.
 */
export const aliasesAfter = (decisions: readonly Decision[]): Readonly<Record<string, number | null>> => {
  const aliases: Record<string, number | null> = {}
  for (const { alias, from, to } of decisions) {
    aliases[alias] = to
    if (alias === 'production') aliases['previous'] = from
  }
  return aliases
}

/** `promote 3 to production (before: 2), by ana at 2026-01-31T09:00:00.000Z: better on test`. */
export const tellDecision = ({ action, alias, from, to, by, at, reason }: Decision): string =>
  `${action === 'promote' ? 'promote' : 'roll back'} ${to} to ${alias} (before: ${from ?? 'none'}), by ${by} at ${at}: ${reason}`
