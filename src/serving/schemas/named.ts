import { type TSchema, Type } from 'typebox'

/** A schema with a name of its own in the OpenAPI document. */
export type NamedSchema = TSchema & { readonly $id: string }

export const named = <S extends TSchema>(name: string, schema: S): S & { readonly $id: string } =>
  Object.assign(schema, { $id: name })

/** Refers to a schema that `addSchemas` has made known. */
export const refTo = (schema: NamedSchema): TSchema => Type.Unsafe({ $ref: `${schema.$id}#` })

/**
 * A property that a request may leave out. Its route finds it always: the validator has filled its default
 * in.
 */
export const withDefault = <S extends TSchema>(schema: S): S => Type.Optional(schema)

export const nullable = (schema: TSchema): TSchema => {
  const { type, ...rest } = schema as TSchema & { readonly type: string }
  return Type.Unsafe({ ...rest, type: [type, 'null'] })
}
