import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { EXAMPLE_TRANSACTION } from '../serving/schemas/transaction.ts'
import { isTextKind, LABEL_FIELDS, SOURCE_FIELDS, TRANSACTION_FIELDS } from './fields.ts'
import { PREPARED_COLUMNS } from './prepared-columns.ts'
import { readRequest } from './read-request.ts'
import { TransactionSchema } from './transaction.ts'
import { writeRequest } from './write-request.ts'

const names = (key: 'name' | 'wire' | 'column') => TRANSACTION_FIELDS.map((field) => field[key])

describe('the table of the fields of a transaction', () => {
  it('has each name once, on the wire and in columns beside those of the label too', () => {
    expect(new Set(names('name')).size).toBe(TRANSACTION_FIELDS.length)
    for (const all of [SOURCE_FIELDS.map(({ wire }) => wire), Object.keys(PREPARED_COLUMNS)])
      expect(new Set<string>(all).size).toBe(all.length)
    expect(Object.keys(PREPARED_COLUMNS)).toEqual([
      'arrival',
      'source_row',
      ...names('column'),
      ...LABEL_FIELDS.map(({ column }) => column),
    ])
  })

  it('says of each what it means in a sentence, and shows a value', () => {
    for (const { says, example } of TRANSACTION_FIELDS) {
      expect(says).toMatch(/^[A-Z].*\.$/)
      expect(example).not.toBe('')
    }
  })

  it.each(TRANSACTION_FIELDS)(
    'the reader of requests reads $wire as $name, and writing gives it back',
    (field) => {
      const transaction = readRequest(EXAMPLE_TRANSACTION)
      expect(transaction[field.name]).toBe(inCode(field))
      expect(writeRequest(transaction)[field.wire]).toBe(field.example)
    },
  )

  it.each(TRANSACTION_FIELDS.filter((field) => !field.required && !('expected' in field)))(
    '$wire may be missing, and is absent then',
    ({ wire, name }) => {
      const { [wire]: _, ...without } = EXAMPLE_TRANSACTION
      expect(name in readRequest(without)).toBe(false)
    },
  )

  it('its bounds are those of the schema: a value on them is a transaction, one beyond is none', () => {
    const example = readRequest(EXAMPLE_TRANSACTION)
    for (const field of TRANSACTION_FIELDS) {
      if (!('bounds' in field)) continue
      const [least, largest] = field.bounds
      const isOne = (value: number) => Value.Check(TransactionSchema, { ...example, [field.name]: value })
      expect([least, largest, least - 1, largest + 1].map(isOne)).toEqual([true, true, false, false])
    }
  })
})

/** The example as the code has it. */
const inCode = ({ kind, example }: (typeof TRANSACTION_FIELDS)[number]): string | number => {
  if (isTextKind(kind)) return example
  if (kind === 'time') return Date.parse(example as string)
  return kind === 'amount' ? Math.round((example as number) * 100) : example
}
