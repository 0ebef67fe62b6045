import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'

/** Most reasons of one decision. */
export const MOST_REASONS = 20

const ALLOWED = `{"reasons": n} with a whole number from 0 to ${MOST_REASONS}`

/**
 * How many reasons a body asks for beside its rows: `parameters` of Vertex AI and KServe, `params` of MLflow.
 * Nothing else can be asked for, and what is not known is refused, because it would be missing unnoticed.
 *
 * @returns 0 when nothing is asked
 * @throws REQUEST_INVALID
 */
export const askedReasons = (body: unknown, field: 'parameters' | 'params'): number => {
  const asked = (body as Readonly<Record<string, unknown>> | null)?.[field] ?? undefined
  if (asked === undefined) return 0
  const { reasons, ...others } = (typeof asked === 'object' ? asked : {}) as Readonly<Record<string, unknown>>
  const isKnown = typeof asked === 'object' && !Array.isArray(asked) && Object.keys(others).length === 0
  if (isKnown && (reasons === undefined || reasons === null)) return 0
  if (isKnown && isCount(reasons)) return reasons
  const problem = { field, what: 'ask for what cannot be had', allowed: ALLOWED, got: shown(asked) }
  throw new RequestProblemsError('REQUEST_INVALID', [problem])
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_REASONS
