import type { FastifyRequest } from 'fastify'
import { asVigiaError } from '../error-answers.ts'
import type { AuditEntry } from '../safety/audit.ts'
import type { RouteContext } from './route-context.ts'

/** Does an act of administration and tells the audit of it, however it ends. */
export const runAudited = async <T>(
  { audit, world }: RouteContext,
  request: FastifyRequest,
  act: string,
  details: AuditEntry['details'],
  work: () => Promise<T>,
): Promise<T> => {
  const entry = {
    atMs: world.now(),
    who: request.caller?.name ?? request.ip,
    act,
    details,
    requestId: request.id,
  }
  try {
    const result = await work()
    audit({ ...entry, outcome: 'done' })
    return result
  } catch (error) {
    audit({ ...entry, outcome: asVigiaError(error).code })
    throw error
  }
}
