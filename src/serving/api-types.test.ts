import { describe, expect, it } from 'vitest'
import { renderApiTypes } from './api-types.ts'

const render = (schemas: object, paths: object = {}): string =>
  renderApiTypes({ components: { schemas }, paths }, 'it')

describe('renderApiTypes', () => {
  it('writes an interface for an object, with what may be missing marked and descriptions kept', () => {
    const properties = {
      id: { type: ['string', 'integer'], description: 'Its name.' },
      'x-y': { type: 'array', items: { $ref: '#/components/schemas/B' } },
    }
    expect(render({ A: { type: 'object', required: ['id'], properties } })).toContain(
      "export interface A {\n  /** Its name. */\n  readonly id: string | number\n  readonly 'x-y'?: readonly B[]\n}",
    )
  })

  it('marks what is deprecated', () => {
    const properties = { old: { type: 'boolean', deprecated: true, description: 'Read new.' } }
    expect(render({ A: { type: 'object', properties } })).toContain(
      '  /** @deprecated Read new. */\n  readonly old?: boolean\n',
    )
  })

  it('writes one type for numbers of both kinds', () => {
    expect(render({ A: { type: ['number', 'integer', 'null'] } })).toContain(
      'export type A = number | null\n',
    )
  })

  it('keeps unions together inside a list', () => {
    const items = { anyOf: [{ type: 'string' }, { type: 'integer' }] }
    expect(render({ A: { type: 'array', items } })).toContain(
      'export type A = readonly (string | number)[]\n',
    )
  })

  it('writes values that are listed as they are', () => {
    expect(render({ A: { enum: [true, 1, "it's", null] } })).toContain(
      "export type A = true | 1 | 'it\\'s' | null\n",
    )
  })

  it('says what may stand under any name', () => {
    const values = { type: 'object', additionalProperties: { type: ['number', 'null'] } }
    expect(render({ A: values, B: { type: 'object' } })).toMatch(
      /A = Readonly<Record<string, number \| null>>[\s\S]*B = Readonly<Record<string, unknown>>/,
    )
  })

  it('follows a reference into another schema', () => {
    expect(render({ A: { $ref: '#/components/schemas/Error/properties/error' } })).toContain(
      "export type A = Error['error']\n",
    )
  })

  it('has for each operation its method, path, parameters, body and answer by media type', () => {
    const schema = { $ref: '#/components/schemas/A' }
    const get = {
      operationId: 'look',
      summary: 'Look',
      parameters: [{ name: 'id', required: true, schema: { type: 'string' } }],
      responses: { 200: { content: { 'application/json': { schema } } } },
    }
    const written = render({}, { '/a/{id}': { get } })
    for (const line of [
      "readonly method: 'GET'",
      "readonly path: '/a/{id}'",
      'readonly id: string',
      'readonly body: Readonly<Record<string, never>>',
      "readonly 'application/json': A",
    ])
      expect(written).toContain(line)
  })
})
