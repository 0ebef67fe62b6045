import { type TSchema, Type } from 'typebox'
import type { App } from '../dependencies.ts'

/** A schema with a name of its own in the OpenAPI document. */
export type NamedSchema = TSchema & { readonly $id: string }

const known: NamedSchema[] = []

/** Gives the schema its name, once: a route that refers to it imports it, and so the server knows it. */
export const named = <S extends TSchema>(name: string, schema: S): S & { readonly $id: string } => {
  const withName = Object.assign(schema, { $id: name })
  known.push(withName)
  return withName
}

/** Makes every named schema known to the server and its OpenAPI document, in the order of their names. */
export const addSchemas = (app: App): void => {
  for (const schema of known.toSorted((a, b) => (a.$id < b.$id ? -1 : 1))) app.addSchema(schema)
}

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
