import { LABEL_FIELDS } from '../transaction/fields.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import { allOf, type Conversion } from './conversion-query.ts'
import type { SourceFormat } from './source-files.ts'

/** A column of the source with its SQL type. */
export type TypedColumn = SourceMapping['columns'][number]

/**
 * What of a conversion travels with a model: everything but the label.
 *
 * @param columns of the source, `source_row` and `source_file` among them where expressions may read them
 */
export const mappingOfSource = (
  conversion: Conversion,
  format: SourceFormat,
  columns: readonly TypedColumn[],
): SourceMapping => {
  const served = conversion.fields.filter(({ field }) => !LABELS.has(field))
  const read = new Set(
    allOf({ ...conversion, fields: served }).flatMap((field) => [...field.columns, ...(field.places ?? [])]),
  )
  return {
    version: 1,
    format,
    ...conversion.times,
    columns: columns.filter(({ name }) => read.has(name)),
    fields: Object.fromEntries(
      served.flatMap(({ field, expression }) => (expression === null ? [] : [[field, expression]])),
    ),
    attributes: Object.fromEntries(
      conversion.attributes.map(({ attribute, field }) => [attribute.name, field.expression!]),
    ),
  }
}

const LABELS: ReadonlySet<string> = new Set(LABEL_FIELDS.map(({ wire }) => wire))
