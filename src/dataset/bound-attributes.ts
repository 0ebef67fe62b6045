import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../config/sections/source.ts'
import type { SourceField } from '../transaction/fields.ts'
import { expressionBinder, type MappedField, takenColumns } from './field-mapping.ts'
import { findAttributes, ofAnswer, type SourceAttribute } from './source-attributes.ts'

/** An attribute with its bound expression. */
export interface BoundAttribute {
  readonly attribute: SourceAttribute
  readonly field: MappedField
}

/**
 * The attributes that the source itself has, not those of tables beside it, each with its expression checked
 * against the view `source_rows`.
 *
 * @throws DATASET_ATTRIBUTE_UNMAPPED, DATASET_SETTING_INVALID, DATASET_COLUMN_UNKNOWN,
 * DATASET_EXPRESSION_INVALID
 */
export const bindAttributes = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  fields: readonly MappedField<SourceField>[],
  columns: readonly string[],
): Promise<readonly BoundAttribute[]> => {
  const taken = await takenColumns(connection, fields, columns)
  const declared = Object.fromEntries(
    Object.entries(source.attributes).filter(([, { table }]) => table === undefined),
  )
  const attributes = findAttributes(declared, columns, taken)
  if (attributes.length === 0) return []
  const answers = new Set(taken.answers.map((column) => column.toLowerCase()))
  const bind = await expressionBinder(connection, columns)
  const bound: BoundAttribute[] = []
  for (const attribute of attributes) {
    const { name, expression } = attribute
    const setting = `source.attributes.${name}.from`
    const field = await bind(`attribute_${name}`, setting, expression)
    const answer = field.columns.find((column) => answers.has(column.toLowerCase()))
    if (answer !== undefined) throw ofAnswer(name, `${expression}, which reads ${answer}`)
    bound.push({ attribute, field })
  }
  return bound
}
