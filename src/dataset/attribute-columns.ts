import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import {
  type Attribute,
  type AttributeKind,
  areStoredAlike,
  attributeColumn,
  kindOfColumn,
} from '../transaction/attributes.ts'

/** The columns of a prepared dataset with their SQL types, in their order. */
export const preparedTypes = async (
  connection: DuckDBConnection,
  path: string,
): Promise<ReadonlyMap<string, string>> => {
  const described = await connection.runAndReadAll(`DESCRIBE FROM read_parquet(${sqlLiteral(path)})`)
  return new Map(described.getRows().map(([name, type]) => [String(name), String(type)]))
}

/**
 * Makes sure that a prepared dataset has what a model reads.
 *
 * @throws DATASET_ATTRIBUTE_MISSING when it lacks one of these attributes
 * @throws DATASET_ATTRIBUTE_KIND when it has one for other values: a number where the model reads a category
 */
export const assertAttributes = (
  types: ReadonlyMap<string, string>,
  attributes: readonly Pick<Attribute, 'name' | 'kind'>[],
  path: string,
): void => {
  const missing = attributes.filter(({ name }) => !types.has(attributeColumn(name)))
  if (missing.length > 0) {
    const got = missing.map(({ name }) => name).join(', ')
    throw new VigiaError('DATASET_ATTRIBUTE_MISSING', { got, path })
  }
  for (const { name, kind } of attributes) {
    const found: AttributeKind | undefined = kindOfColumn(types.get(attributeColumn(name))!)
    if (!areStoredAlike(kind, found))
      throw new VigiaError('DATASET_ATTRIBUTE_KIND', {
        attribute: name,
        allowed: kind,
        got: found ?? types.get(attributeColumn(name))!,
        path,
      })
  }
}
