import { VigiaError } from '../errors.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { Attribute } from '../transaction/attributes.ts'
import { TRANSACTION_FIELDS } from '../transaction/fields.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import type { ServedMapping } from './inference-pipeline.ts'
import { type LoadedModel, modelName } from './loaded-model.ts'
import { tablesOf } from './tables/merge-tables.ts'

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
          model: modelName(model),
          got: attribute.kind,
          other: modelName(known.of),
          allowed: known.attribute.kind,
        })
    }
  }
  return {
    attributes: [...attributes.values()].map(({ attribute }) => attribute),
    hasUsers: models.some(({ settings }) => !settings.withoutUsers),
    amounts: amountsOf(models),
    ...(isRateInTable(models) && { hasRateInTable: true }),
  }
}

const isRateInTable = (models: readonly LoadedModel[]): boolean => {
  const { base } = amountsOf(models)
  if (base === undefined) return false
  return tablesOf(models).some(({ attributes }) => attributes.some(({ name }) => name === base.rate))
}

/** The rules by which all of them read amounts. @throws SERVING_AMOUNTS_DIFFER */
const amountsOf = ([first, ...others]: readonly LoadedModel[]): AmountRules => {
  const amounts = first?.settings.amounts ?? DEFAULT_AMOUNTS
  const allowed = canonicalJson({ ...amounts })
  for (const other of others) {
    const got = canonicalJson({ ...other.settings.amounts })
    if (got !== allowed)
      throw new VigiaError('SERVING_AMOUNTS_DIFFER', {
        model: modelName(other),
        got,
        other: modelName(first!),
        allowed,
      })
  }
  return amounts
}

/**
 * How the models in service map rows of the source. A row is mapped once for all: fields and columns must be
 * the same; the attributes are those that any of them knows.
 */
export const mappingOf = (models: readonly LoadedModel[]): ServedMapping => {
  let merged: SourceMapping | undefined
  let first: LoadedModel | undefined
  for (const model of models) {
    const own = model.artifact.manifest.source
    if (own === undefined)
      return { refusal: new VigiaError('SERVING_MAPPING_MISSING', { model: modelName(model) }) }
    if (merged === undefined) {
      merged = own
      first = model
      continue
    }
    const differing = difference(merged, own)
    if (differing !== undefined)
      return {
        refusal: new VigiaError('SERVING_MAPPINGS_DIFFER', {
          model: modelName(model),
          other: modelName(first!),
          part: differing.part,
          got: differing.got,
          allowed: differing.allowed,
        }),
      }
    const known = new Set(merged.columns.map(({ name }) => name))
    merged = {
      ...merged,
      columns: [...merged.columns, ...own.columns.filter(({ name }) => !known.has(name))],
      attributes: { ...merged.attributes, ...own.attributes },
    }
  }
  return merged === undefined
    ? { refusal: new VigiaError('SERVING_MAPPING_MISSING', { model: 'in service' }) }
    : { mapping: merged }
}

/** The first part that two mappings have otherwise; of columns and attributes only those that both have. */
const difference = (
  one: SourceMapping,
  other: SourceMapping,
): { readonly part: string; readonly got: string; readonly allowed: string } | undefined => {
  const types = new Map(one.columns.map(({ name, type }) => [name, type]))
  const pairs: (readonly [part: string, allowed: string | undefined, got: string | undefined])[] = [
    ['the format', one.format, other.format],
    ['the time zone', one.timeZone, other.timeZone],
    ['source.disambiguation', one.disambiguation, other.disambiguation],
    ...TRANSACTION_FIELDS.map(({ wire }) => [wire, one.fields[wire], other.fields[wire]] as const),
    ...other.columns.map(({ name, type }) => [`the column ${name}`, types.get(name) ?? type, type] as const),
    ...Object.entries(other.attributes).map(
      ([name, got]) => [`attributes.${name}`, one.attributes[name] ?? got, got] as const,
    ),
  ]
  const found = pairs.find(([, allowed, got]) => allowed !== got)
  if (found === undefined) return undefined
  const [part, allowed, got] = found
  return { part, got: got || 'nothing', allowed: allowed || 'nothing' }
}
