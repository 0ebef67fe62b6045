import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import { VigiaError } from '../../errors.ts'
import { InferenceError } from '../schemas/kserve-v2.ts'
import { refTo } from '../schemas/named.ts'

/** What paths name. */
export interface Params {
  readonly model: string
  readonly version?: string
}

/** What anybody may ask, as often as they like. */
export const OPEN = { isExempt: true, rateLimit: false } as const

/** Where a model is asked about, and what follows the names of its operations there. */
export const MODEL_PATHS = [
  ['/v2/models/:model', ''],
  ['/v2/models/:model/versions/:version', 'OfVersion'],
] as const

type Answer = Parameters<typeof refTo>[0]

export const schemaOf = (operationId: string, summary: string, answer: Answer, tag = 'open inference') => ({
  tags: [tag],
  operationId,
  summary,
  response: { 200: refTo(answer) },
  'x-errors': refTo(InferenceError),
})

/** The same of a route that says whether something can be decided on. */
export const readinessOf = (...described: Parameters<typeof schemaOf>) => {
  const schema = schemaOf(...described)
  const [, , answer] = described
  return {
    ...schema,
    response: { ...schema.response, 503: { description: 'It cannot.', ...refTo(answer) } },
  }
}

/** The champion, when it is what was asked for. @throws SERVING_MODEL_UNKNOWN */
export const namedModel = (
  [champion]: readonly ServedModel[],
  { model, version: wanted }: Params,
): ServedModel => {
  if (champion?.name === model && (wanted === undefined || champion.version === wanted)) return champion
  throw new VigiaError('SERVING_MODEL_UNKNOWN', {
    got: `${model.slice(0, 100)}${wanted === undefined ? '' : ` of version ${wanted.slice(0, 100)}`}`,
    allowed: champion === undefined ? 'none' : `${champion.name} of version ${champion.version}`,
  })
}
