import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { describeAllowed } from './describe-allowed.ts'
import type { SettingSchema } from './setting-schema.ts'

it.each([
  [Type.Integer({ minimum: 1, maximum: 9, unit: 'rows' }), 'a whole number from 1 to 9 (unit: rows)'],
  [Type.Number({ exclusiveMinimum: 0, maximum: 1 }), 'a number above 0 to 1'],
  [Type.Number({ exclusiveMinimum: 0 }), 'a number above 0'],
  [Type.Number({ minimum: 0 }), 'a number of at least 0'],
  [Type.Number({ exclusiveMaximum: 5 }), 'a number below 5'],
  [Type.Number({ maximum: 5 }), 'a number of at most 5'],
  [Type.Boolean(), 'true or false'],
  [Type.String(), 'text'],
  [Type.String({ minLength: 1 }), 'text that is not empty'],
  [Type.String({ pattern: '^a+$' }), 'text that matches `^a+$`'],
  [Type.String({ pattern: '^[0-9]+d$', unit: 'duration' }), 'a duration such as 7d, 1h, 30m or 90s'],
  [Type.Union([Type.Literal('a'), Type.Literal('b')]), 'one of a, b'],
  [Type.Union([Type.Integer(), Type.Null()]), 'a whole number, or null'],
  [Type.Union([Type.Literal('auto'), Type.Integer()]), 'auto, or a whole number'],
  [Type.Array(Type.String(), { minItems: 1 }), 'a list with at least 1 of: text'],
  [Type.Record(Type.String(), Type.Number()), 'a mapping from any key to: a number'],
  [
    { type: 'object', patternProperties: { '^a$': Type.String(), '^b$': Type.String() } },
    'a mapping from any of a, b to a list of its values',
  ],
  [Type.Object({ a: Type.String(), b: Type.String() }), 'a mapping with the keys a, b'],
])('a schema is told in words: case %#', (schema, words) => {
  expect(describeAllowed(schema as SettingSchema)).toBe(words)
})
