import { describe, expect, it } from 'vitest'
import type { AttributeSettings } from '../config/sections/source.ts'
import { VigiaError } from '../errors.ts'
import type { TakenColumns } from './field-mapping.ts'
import { attributeOf, findAttributes } from './source-attributes.ts'

const COLUMNS = ['id', 'Amount', 'V1', 'V2', 'V10', 'sign up', 'is it?', 'Device Info', 'Class'] as const

describe('attributes are found in the source', () => {
  it('by the name of the column, whatever the case, in the order in which they are written', () => {
    expect(found({ v10: { kind: 'number' }, V1: { kind: 'category' } })).toEqual([
      { name: 'v10', kind: 'number', expression: '"V10"' },
      { name: 'V1', kind: 'category', expression: '"V1"' },
    ])
  })

  it('by `from`, a column of any name, without quotes', () => {
    expect(expressions({ signed_up: { kind: 'time', from: 'sign up' } })).toEqual({ signed_up: '"sign up"' })
    expect(expressions({ flag: { kind: 'boolean', from: ' IS IT? ' } })).toEqual({ flag: '"is it?"' })
  })

  it('or by an expression, which stays as it is written', () => {
    expect(expressions({ ratio: { kind: 'number', from: 'V1 / V2' } })).toEqual({ ratio: 'V1 / V2' })
  })

  it('prefers the column in the same case', () => {
    expect(expressions({ x: { kind: 'number', from: 'a' } }, ['A', 'a'])).toEqual({ x: '"a"' })
  })

  it('what travels with a model is what it is called and what it means, not where it was', () => {
    const [attribute] = findAttributes(
      {
        V1: {
          kind: 'number',
          unit: 'seconds',
          means: 'time on {}',
          missing: 'median',
          unreadable: 'missing',
          range: [0, 1],
          max_missing_share: 0.5,
        },
      },
      COLUMNS,
    )
    expect(attribute).toMatchObject({ missing: 'median', range: [0, 1], maxMissingShare: 0.5 })
    expect(attributeOf(attribute!)).toEqual({
      name: 'V1',
      kind: 'number',
      unit: 'seconds',
      means: 'time on V1',
      unreadable: 'missing',
    })
  })
})

describe('a pattern', () => {
  it('takes all columns that match, in the order of the source', () => {
    expect(expressions({ 'V*': { kind: 'number' } })).toEqual({ V1: '"V1"', V2: '"V2"', V10: '"V10"' })
    expect(expressions({ '*': { kind: 'text' } }, ['b', 'a'])).toEqual({ b: '"b"', a: '"a"' })
    expect(expressions({ 'id_*_x': { kind: 'text' } }, ['id_1_x', 'id_1_y', 'an id_1_x'])).toEqual({
      id_1_x: '"id_1_x"',
    })
  })

  it('is text, not a regular expression', () => {
    expect(expressions({ 'a.*': { kind: 'text' } }, ['a.b', 'axb'])).toEqual({ a_b: '"a.b"' })
  })

  it('counts from a number to another, with the zeros of the first', () => {
    const names = (from: number, to: number, width: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => `C${String(from + i).padStart(width, '0')}`)
    const all = (pattern: string, columns: readonly string[]) =>
      Object.keys(expressions({ [pattern]: { kind: 'number' } }, columns))
    expect(all('C1..C14', names(0, 20, 0))).toEqual(names(1, 14, 0))
    expect(all('C1..14', names(0, 20, 0))).toEqual(names(1, 14, 0))
    expect(all('C01..C14', names(0, 20, 2))).toEqual(names(1, 14, 2))
    expect(all('C098..C101', names(90, 110, 3))).toEqual(names(98, 101, 3))
    expect(all('x1y1..x1y3', ['x1y3', 'x1y2', 'x1y1'])).toEqual(['x1y1', 'x1y2', 'x1y3'])
  })

  it('stands for its column as {} in `from` and in `means`', () => {
    expect(found({ 'V1..V2': { kind: 'number', from: 'abs({}) + {}', means: 'size of {}' } })).toEqual([
      { name: 'V1', kind: 'number', means: 'size of V1', expression: 'abs("V1") + "V1"' },
      { name: 'V2', kind: 'number', means: 'size of V2', expression: 'abs("V2") + "V2"' },
    ])
  })

  it('makes a name of a column that has none', () => {
    expect(expressions({ '*': { kind: 'text' } }, ['sign up', 'is it?', '_x', '2nd'])).toEqual({
      sign_up: '"sign up"',
      is_it: '"is it?"',
      x: '"_x"',
      nd: '"2nd"',
    })
  })

  it('leaves out what is a field, what the label is made of, and what another attribute names', () => {
    const taken = { fields: ['id', 'Amount'], label: ['Class', 'is it?'], answers: [] }
    const declared: Declared = {
      '*': { kind: 'text' },
      'V1..V2': { kind: 'number' },
      ten: { kind: 'number', from: 'v10' },
      half: { kind: 'number', from: 'V1 / 2' },
    }
    // `*` stands first: the pattern after it finds nothing.
    expect(refusal(declared, COLUMNS, taken).code).toBe('DATASET_ATTRIBUTE_UNMAPPED')
    const { '*': all, ...before } = declared
    expect(expressions({ ...before, '*': all! }, COLUMNS, taken)).toEqual({
      V1: '"V1"',
      V2: '"V2"',
      ten: '"V10"',
      half: 'V1 / 2',
      sign_up: '"sign up"',
      Device_Info: '"Device Info"',
    })
  })
})

describe('what cannot be is refused, with the setting, what came, what is allowed and the next step', () => {
  it('a name without a column', () => {
    const { code, message, fix } = refusal({ V3: { kind: 'number' } })
    expect(code).toBe('DATASET_ATTRIBUTE_UNMAPPED')
    expect(message).toContain('source.attributes.V3')
    expect(message).toContain('"sign up"')
    expect(fix).toContain('did you mean "V1"?')
    expect(refusal({ 'X*': { kind: 'number' } }).message).toContain('source.attributes.X*')
  })

  it('a range, by the column that it lacks', () => {
    const { code, message } = refusal({ 'V1..V3': { kind: 'number' } })
    expect(code).toBe('DATASET_ATTRIBUTE_UNMAPPED')
    expect(message).toContain('source.attributes.V1..V3 finds no column V3: the source has')
  })

  it.each<[why: string, declared: Declared, setting: string, allowed: RegExp]>([
    [
      'no identifier',
      { 'sign up': { kind: 'time' } },
      'source.attributes.sign up',
      /letters, digits and _.*`from`/,
    ],
    [
      'too long',
      { ['x'.repeat(64)]: { kind: 'time', from: 'V1' } },
      `source.attributes.${'x'.repeat(64)}`,
      /at most 63/,
    ],
    ['of a field', { Amount: { kind: 'number' } }, 'source.attributes.Amount', /source\.fields\.amount,/],
    [
      'of a field, in code',
      { Is_Fraud: { kind: 'number', from: 'V1' } },
      'source.attributes.Is_Fraud',
      /source\.fields\.is_fraud,/,
    ],
    [
      'of a prepared column',
      { arrival: { kind: 'number', from: 'V1' } },
      'source.attributes.arrival',
      /prepared data/,
    ],
    [
      'of every object',
      { constructor: { kind: 'number' as const, from: 'V1' } },
      'source.attributes.constructor',
      /every object/,
    ],
    ['a range backwards', { 'V10..V1': { kind: 'number' } }, 'source.attributes.V10..V1', /C1\.\.C14/],
    ['a range of two names', { 'V1..W2': { kind: 'number' } }, 'source.attributes.V1..W2', /C1\.\.C14/],
    ['a range without end', { 'V1..V99999': { kind: 'number' } }, 'source.attributes.V1..V99999', /10,000/],
    ['range of text', { V1: { kind: 'text', range: [0, 1] } }, 'source.attributes.V1.range', /kind: number/],
    [
      'range backwards',
      { V1: { kind: 'number', range: [1, 0] } },
      'source.attributes.V1.range',
      /least before the largest/,
    ],
    [
      'allowed of numbers',
      { V1: { kind: 'number', allowed: ['1'] } },
      'source.attributes.V1.allowed',
      /kind: category/,
    ],
    [
      'unit of a category',
      { V1: { kind: 'category', unit: 'days' } },
      'source.attributes.V1.unit',
      /kind: number/,
    ],
    [
      'median of a category',
      { V1: { kind: 'category', missing: 'median' } },
      'source.attributes.V1.missing',
      /^keep, mode, constant:x$/,
    ],
    [
      'mode of a number',
      { V1: { kind: 'number', missing: 'mode' } },
      'source.attributes.V1.missing',
      /^keep, median, constant:x$/,
    ],
    [
      'a constant time',
      { V1: { kind: 'time', missing: 'constant:0' } },
      'source.attributes.V1.missing',
      /^keep$/,
    ],
    [
      'mode of text',
      { V1: { kind: 'text', missing: 'mode' } },
      'source.attributes.V1.missing',
      /^keep, constant:x$/,
    ],
    [
      'no number',
      { V1: { kind: 'number', missing: 'constant:x' } },
      'source.attributes.V1.missing',
      /number x/,
    ],
    [
      'a blank, which is no zero',
      { V1: { kind: 'number', missing: 'constant: ' } },
      'source.attributes.V1.missing',
      /number x/,
    ],
    [
      'a number of programs',
      { V1: { kind: 'number', missing: 'constant:0x10' } },
      'source.attributes.V1.missing',
      /number x/,
    ],
    [
      'an endless number',
      { V1: { kind: 'number', missing: 'constant:1e999' } },
      'source.attributes.V1.missing',
      /number x/,
    ],
    [
      'neither true nor false',
      { V1: { kind: 'boolean', missing: 'constant:1' } },
      'source.attributes.V1.missing',
      /constant:true, constant:false/,
    ],
    [
      'two that differ in case',
      { V1: { kind: 'number' }, v1: { kind: 'number', from: 'V2' } },
      'source.attributes',
      /more than case/,
    ],
    ['two columns of one name', { 'a*': { kind: 'text' } }, 'source.attributes', /more than case.*`from`/],
    ['no name at all', { 'ñ*': { kind: 'text' } }, 'source.attributes.ñ*', /say `from`/],
    ['the label', { V1: { kind: 'number', from: 'class' } }, 'source.attributes.V1.from', /label/],
  ])('%s', (_, declared, setting, allowed) => {
    const columns = [...COLUMNS, 'a b', 'a_b', 'ñ']
    const { code, details, message } = refusal(declared, columns, {
      fields: [],
      label: ['Class'],
      answers: [],
    })
    expect(code).toBe('DATASET_SETTING_INVALID')
    expect(details).toMatchObject({ setting, allowed: expect.stringMatching(allowed) })
    expect(message).toContain(String((details as { got: unknown }).got))
  })
})

type Declared = Readonly<Record<string, AttributeSettings>>

const found = (declared: Declared, columns: readonly string[] = COLUMNS, taken?: TakenColumns) =>
  findAttributes(declared, columns, taken)

const expressions = (declared: Declared, columns?: readonly string[], taken?: TakenColumns) =>
  Object.fromEntries(found(declared, columns, taken).map(({ name, expression }) => [name, expression]))

const refusal = (declared: Declared, columns?: readonly string[], taken?: TakenColumns): VigiaError => {
  try {
    found(declared, columns, taken)
  } catch (error) {
    if (error instanceof VigiaError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
