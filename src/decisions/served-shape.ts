import { VigiaError } from '../errors.ts'
import type { Attribute } from '../transaction/attributes.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { LoadedModel } from './loaded-model.ts'

/**
 * What transactions have for these models: the attributes that any of them knows, each once. A request is
 * read once for all, so they must mean the same by a name.
 *
 * @param models the champion first: where two describe an attribute in other words, its words are taken
 * @throws SERVING_ATTRIBUTES_DIFFER when two models take an attribute for different kinds of values
 */
export const shapeOf = (models: readonly LoadedModel[]): TransactionShape => {
  const attributes = new Map<string, { readonly attribute: Attribute; readonly of: LoadedModel }>()
  for (const model of models) {
    for (const attribute of model.fitted.attributes ?? []) {
      const known = attributes.get(attribute.name)
      if (known === undefined) attributes.set(attribute.name, { attribute, of: model })
      else if (known.attribute.kind !== attribute.kind)
        throw new VigiaError('SERVING_ATTRIBUTES_DIFFER', {
          attribute: attribute.name,
          model: nameOf(model),
          got: attribute.kind,
          other: nameOf(known.of),
          allowed: known.attribute.kind,
        })
    }
  }
  return { attributes: [...attributes.values()].map(({ attribute }) => attribute) }
}

const nameOf = ({ description: { name, version } }: LoadedModel): string => `${name} ${version}`
