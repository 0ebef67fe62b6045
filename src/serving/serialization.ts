import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import type { FastifySerializerCompiler } from 'fastify'

/**
 * How Fastify writes answers; `named` are the schemas that others refer to. The writer of an answer is
 * compiled when the first such answer is given, so that starting stays fast.
 */
export const serializerCompiler =
  (named: unknown): FastifySerializerCompiler<unknown> =>
  ({ schema }) => {
    let write: ((value: unknown) => string) | undefined
    return (value) => {
      write ??= fastJsonStringify(schema as Schema, { schema: named as Record<string, Schema> })
      return write(value)
    }
  }
