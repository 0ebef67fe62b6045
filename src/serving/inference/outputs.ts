import type { Prediction } from '../../decisions/inference-pipeline.ts'
import type { Scorer } from '../../model/scorer.ts'
import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import type { Asked } from './asked.ts'
import type { InferRequest, WantedOutput } from './infer-request.ts'
import { type AnsweredDatatype, encodeTensor } from './tensor-data.ts'

/** What is said of a row: a decision, or what the model says of ready features, which is logged nowhere. */
export type Outcome = Pick<Prediction, 'probability' | 'isFlagged' | 'riskLevel'> &
  Partial<Pick<Prediction, 'predictionId' | 'controlSample'>>

/** What is answered for each row. The newest stands last: clients may count on places. */
export const OUTPUTS: Readonly<
  Record<string, { readonly datatype: AnsweredDatatype; readonly read: (outcome: Outcome) => unknown }>
> = {
  probability: { datatype: 'FP64', read: ({ probability }) => probability },
  // The name that is_flagged had in earlier versions, for one release.
  is_fraud: { datatype: 'BOOL', read: ({ isFlagged }) => isFlagged },
  risk_level: { datatype: 'BYTES', read: ({ riskLevel }) => riskLevel },
  prediction_id: { datatype: 'BYTES', read: ({ predictionId }) => predictionId },
  is_flagged: { datatype: 'BOOL', read: ({ isFlagged }) => isFlagged },
  control_sample: { datatype: 'BYTES', read: ({ controlSample }) => drawnOf(controlSample) },
}

/** Empty where nothing was drawn: a tensor has an element for each row. */
const drawnOf = (controlSample: Outcome['controlSample']): string =>
  controlSample === undefined || controlSample.drawn === 'not_drawn' ? '' : controlSample.drawn

/** What a decision alone has: where nothing is decided, nothing is drawn or can be looked up. */
const OF_DECISIONS: readonly string[] = ['prediction_id', 'control_sample']

/** The outputs that a request gets. @throws REQUEST_INVALID when it names one that there is not */
export const outputsOf = (
  { outputs, isBinary }: Pick<InferRequest, 'outputs' | 'isBinary'>,
  kind: Asked['kind'],
): readonly WantedOutput[] => {
  const names = Object.keys(OUTPUTS).filter((name) => kind === 'transactions' || !OF_DECISIONS.includes(name))
  const unknown = outputs?.filter(({ name }) => !names.includes(name)) ?? []
  if (unknown.length > 0)
    throw new RequestProblemsError(
      'REQUEST_INVALID',
      unknown.map(({ name }) => ({
        field: 'outputs',
        what: 'has an output that there is not',
        allowed: names.join(', '),
        got: shown(name),
      })),
    )
  return outputs ?? names.map((name) => ({ name, isBinary }))
}

/** What a model says of vectors of its features. */
export const scoreFeatures = (
  scorer: Pick<Scorer, 'featureNames' | 'scoreOne' | 'isFlagged' | 'riskLevel'>,
  { vectors, rows }: Extract<Asked, { readonly kind: 'features' }>,
): readonly Outcome[] =>
  Array.from({ length: rows }, (_, row) => {
    const probability = scorer.scoreOne(vectors, row * scorer.featureNames.length)
    return {
      probability,
      isFlagged: scorer.isFlagged(probability),
      riskLevel: scorer.riskLevel(probability),
    }
  })

/** An answer: its JSON, and the bytes of the tensors that are binary, in their order. */
export interface InferAnswer {
  readonly json: object
  readonly binary: readonly Buffer[]
}

export const inferAnswer = (
  model: { readonly name: string; readonly version: string },
  id: string | undefined,
  wanted: readonly WantedOutput[],
  outcomes: readonly Outcome[],
): InferAnswer => {
  const binary: Buffer[] = []
  const outputs = wanted.map(({ name, isBinary }) => {
    const { datatype, read } = OUTPUTS[name]!
    const data = outcomes.map(read)
    const described = { name, shape: [outcomes.length], datatype }
    if (!isBinary) return { ...described, data }
    const bytes = encodeTensor(datatype, data)
    binary.push(bytes)
    return { ...described, parameters: { binary_data_size: bytes.length } }
  })
  return {
    json: { model_name: model.name, model_version: model.version, ...(id !== undefined && { id }), outputs },
    binary,
  }
}
