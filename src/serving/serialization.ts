import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import type { FastifySerializerCompiler } from 'fastify'
import type { App } from './dependencies.ts'

/** How Fastify writes answers. The writer of an answer is compiled when the first such answer is given, so that starting stays fast. */
export const serializerCompiler =
  (app: App): FastifySerializerCompiler<unknown> =>
  ({ schema }) => {
    let write: ((value: unknown) => string) | undefined
    return (value) => {
      write ??= fastJsonStringify(schema as Schema, { schema: app.getSchemas() as Record<string, Schema> })
      return write(value)
    }
  }
