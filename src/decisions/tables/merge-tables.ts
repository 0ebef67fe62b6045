import { VigiaError } from '../../errors.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import type { Attribute } from '../../transaction/attributes.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import { type LoadedModel, modelName } from '../loaded-model.ts'

/** A table that models in service read. */
export interface TableOfModels {
  readonly mapping: TableMapping
  /** Those that any of them knows. */
  readonly attributes: readonly Attribute[]
}

/**
 * The tables of the models in service, each once, in the order in which they are looked up: a transaction is
 * looked up once for all models, so they must mean the same by a table.
 *
 * @throws SERVING_TABLES_DIFFER when two models find its rows otherwise, or read an attribute otherwise;
 * SERVING_LOOKUPS_DIFFER when they have an attribute from different places
 */
export const tablesOf = (models: readonly LoadedModel[]): readonly TableOfModels[] => {
  const merged = new Map<string, { readonly table: TableOfModels; readonly of: LoadedModel }>()
  assertSamePlaces(models)
  for (const model of models) {
    const kinds = new Map((model.fitted.attributes ?? []).map((attribute) => [attribute.name, attribute]))
    for (const mapping of model.artifact.manifest.source?.tables ?? []) {
      const attributes = Object.keys(mapping.attributes).flatMap((name) => kinds.get(name) ?? [])
      const known = merged.get(mapping.name)
      if (known === undefined) {
        merged.set(mapping.name, { table: { mapping, attributes }, of: model })
        continue
      }
      assertAlike(known.table.mapping, mapping, model, known.of)
      const names = new Set(known.table.attributes.map(({ name }) => name))
      const columns = new Set(known.table.mapping.columns.map(({ name }) => name))
      const table: TableOfModels = {
        mapping: {
          ...known.table.mapping,
          columns: [
            ...known.table.mapping.columns,
            ...mapping.columns.filter(({ name }) => !columns.has(name)),
          ],
          attributes: { ...known.table.mapping.attributes, ...mapping.attributes },
        },
        attributes: [...known.table.attributes, ...attributes.filter(({ name }) => !names.has(name))],
      }
      merged.set(mapping.name, { table, of: known.of })
    }
  }
  return [...merged.values()].map(({ table }) => table)
}

/**
 * Whatever a table gives for one model, no model has from elsewhere: it would be given what it did not learn.
 *
 * @throws SERVING_LOOKUPS_DIFFER
 */
const assertSamePlaces = (models: readonly LoadedModel[]): void => {
  const places = new Map<string, { readonly place: string; readonly of: LoadedModel }>()
  for (const model of models) {
    const tables = model.artifact.manifest.source?.tables ?? []
    for (const { name } of model.fitted.attributes ?? []) {
      const table = tables.find(({ attributes }) => attributes[name] !== undefined)
      const place = table === undefined ? 'the source' : `the table ${table.name}`
      const known = places.get(name)
      if (known === undefined) places.set(name, { place, of: model })
      else if (known.place !== place)
        throw new VigiaError('SERVING_LOOKUPS_DIFFER', {
          attribute: name,
          model: modelName(model),
          got: place,
          other: modelName(known.of),
          allowed: known.place,
        })
    }
  }
}

/** Where it lies may differ: serving has a place of its own for it. */
const assertAlike = (
  one: TableMapping,
  other: TableMapping,
  model: LoadedModel,
  first: LoadedModel,
): void => {
  const types = new Map(one.columns.map(({ name, type }) => [name, type]))
  const parts: (readonly [part: string, allowed: unknown, got: unknown])[] = [
    ...(
      [
        'format',
        'csv',
        'timeZone',
        'disambiguation',
        'key',
        'range',
        'validFrom',
        'validTo',
        'knownFrom',
      ] as const
    ).map((part) => [part, one[part] ?? null, other[part] ?? null] as const),
    ...other.columns.map(({ name, type }) => [`the column ${name}`, types.get(name) ?? type, type] as const),
    ...Object.entries(other.attributes).map(
      ([name, got]) => [`the attribute ${name}`, one.attributes[name] ?? got, got] as const,
    ),
  ]
  const found = parts.find(([, allowed, got]) => canonicalJson(allowed) !== canonicalJson(got))
  if (found === undefined) return
  const [part, allowed, got] = found
  throw new VigiaError('SERVING_TABLES_DIFFER', {
    table: one.name,
    part,
    model: modelName(model),
    got: canonicalJson(got),
    other: modelName(first),
    allowed: canonicalJson(allowed),
  })
}
