import { VigiaError } from '../errors.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { Attribute } from '../transaction/attributes.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { LoadedModel } from './loaded-model.ts'

/**
 * What transactions have for these models: the attributes that any of them knows, each once. A request is
 * read once for all, so they must mean the same by a name.
 *
 * @param models the champion first: where two describe an attribute in other words, its words are taken
 * @throws SERVING_ATTRIBUTES_DIFFER when two models take an attribute for different kinds of values
 * @throws SERVING_AMOUNTS_DIFFER when two models read amounts by other rules
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
  return {
    attributes: [...attributes.values()].map(({ attribute }) => attribute),
    hasUsers: models.some(({ settings }) => !settings.withoutUsers),
    amounts: amountsOf(models),
  }
}

/** The rules by which all of them read amounts. @throws SERVING_AMOUNTS_DIFFER */
const amountsOf = ([first, ...others]: readonly LoadedModel[]): AmountRules => {
  const amounts = first?.settings.options.amounts ?? DEFAULT_AMOUNTS
  const allowed = canonicalJson({ ...amounts })
  for (const other of others) {
    const got = canonicalJson({ ...other.settings.options.amounts })
    if (got !== allowed)
      throw new VigiaError('SERVING_AMOUNTS_DIFFER', {
        model: nameOf(other),
        got,
        other: nameOf(first!),
        allowed,
      })
  }
  return amounts
}

const nameOf = ({ description: { name, version } }: LoadedModel): string => `${name} ${version}`
