import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import type { AttributeKind } from '../../transaction/attributes.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import type { TransactionShape } from '../../transaction/shape.ts'
import { FEATURES } from './asked.ts'
import { TRANSACTION } from './infer-request.ts'
import { OUTPUTS } from './outputs.ts'
import type { Datatype } from './tensor-data.ts'

/** A tensor as the metadata of a model describe it. */
export interface TensorMetadata {
  readonly name: string
  readonly datatype: Datatype
  /** -1: as many as there are rows. */
  readonly shape: readonly number[]
  readonly parameters?: Readonly<Record<string, unknown>>
}

const PLATFORM = 'vigia'

const OF_ATTRIBUTES: Readonly<Record<AttributeKind, Datatype>> = {
  number: 'FP64',
  category: 'BYTES',
  boolean: 'BOOL',
  time: 'BYTES',
  text: 'BYTES',
}

/**
 * What goes in and comes out. A request has one of three: tensors of fields and attributes, `transaction`
 * alone, or `features` alone.
 */
export const metadataOf = (model: ServedModel, { attributes }: Pick<TransactionShape, 'attributes'>) => ({
  name: model.name,
  versions: [model.version],
  platform: PLATFORM,
  inputs: [
    ...TRANSACTION_FIELDS.map(({ wire, kind }): TensorMetadata => {
      const isNumber = kind === 'amount' || kind === 'coordinate'
      return { name: wire, datatype: isNumber ? 'FP64' : 'BYTES', shape: [-1] }
    }),
    ...attributes.map(
      ({ name, kind }): TensorMetadata => ({
        name: `attributes.${name}`,
        datatype: OF_ATTRIBUTES[kind],
        shape: [-1],
      }),
    ),
    { name: TRANSACTION, datatype: 'BYTES', shape: [-1], parameters: { content_type: 'application/json' } },
    {
      name: FEATURES,
      datatype: 'FP64',
      shape: [-1, model.featureNames.length],
      parameters: { feature_names: model.featureNames },
    },
  ] as readonly TensorMetadata[],
  outputs: Object.entries(OUTPUTS).map(
    ([name, { datatype }]): TensorMetadata => ({ name, datatype, shape: [-1] }),
  ),
})

/** The same in the words of Triton's model configuration, extension `model_configuration`. */
export const configOf = (model: ServedModel, shape: Pick<TransactionShape, 'attributes'>) => {
  const { name, platform, inputs, outputs } = metadataOf(model, shape)
  const tensor = ({ name, datatype, shape }: TensorMetadata) => ({
    name,
    data_type: datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`,
    dims: shape,
  })
  return {
    name,
    platform,
    backend: PLATFORM,
    version_policy: { latest: { num_versions: 1 } },
    // The first dimension of each tensor is told with it.
    max_batch_size: 0,
    input: inputs.map((input) => ({ ...tensor(input), format: 'FORMAT_NONE', optional: true })),
    output: outputs.map(tensor),
  }
}
