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

export const schemaOf = (operationId: string, summary: string, answer: Parameters<typeof refTo>[0]) => ({
  tags: ['open inference'],
  operationId,
  summary,
  response: { 200: refTo(answer) },
  'x-errors': refTo(InferenceError),
})

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
