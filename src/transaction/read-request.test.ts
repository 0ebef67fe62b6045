import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { AMOUNTS_ABOVE_ZERO, type AmountRules, DEFAULT_AMOUNTS } from './amount-rules.ts'
import { LATEST_TIME_MS, TRANSACTION_FIELDS, type TransactionField } from './fields.ts'
import { readRequest } from './read-request.ts'
import { RequestProblemsError } from './request-problem.ts'
import { NO_SHAPE } from './shape.ts'
import { type Transaction, TransactionSchema } from './transaction.ts'
import { writeRequest } from './write-request.ts'

const SMALLEST = { transaction_id: 't1', user_id: 'u1', timestamp: '2026-01-01T10:00:00Z', amount: 12.34 }
const LARGEST = DEFAULT_AMOUNTS.largestMinor
const read = (changes: object) => readRequest({ ...SMALLEST, ...changes })

describe('a request becomes a transaction', () => {
  it('has the four required fields and nothing else when nothing else is sent', () => {
    expect(readRequest(SMALLEST)).toEqual({
      transactionId: 't1',
      userId: 'u1',
      eventTimeMs: Date.parse('2026-01-01T10:00:00Z'),
      amountMinor: 1234,
    })
  })

  it('has every optional field that is sent', () => {
    const all = {
      currency: 'EUR',
      merchant_id: 'm',
      merchant_category: 'food',
      transaction_type: 'purchase',
      device_id: 'd',
      device_type: 'mobile',
      location: 'Madrid',
      latitude: 40.4,
      longitude: -3.7,
    }
    expect(read(all)).toMatchObject({
      currency: 'EUR',
      merchantId: 'm',
      merchantCategory: 'food',
      transactionType: 'purchase',
      deviceId: 'd',
      deviceType: 'mobile',
      location: 'Madrid',
      latitude: 40.4,
      longitude: -3.7,
    })
  })

  it('leaves out optional fields that are null, empty or blank', () => {
    const fields = ['currency', 'merchant_id', 'device_type', 'location', 'latitude', 'longitude']
    for (const nothing of [null, '', '  ', '\u00a0'])
      expect(read(Object.fromEntries(fields.map((field) => [field, nothing])))).toEqual(readRequest(SMALLEST))
  })

  it('takes whole numbers as identifiers by their decimal text', () => {
    expect(read({ user_id: 7, merchant_id: -1, device_id: 9007199254740991 })).toMatchObject({
      userId: '7',
      merchantId: '-1',
      deviceId: '9007199254740991',
    })
  })

  it('takes a tab or a line break, with the blanks beside it, as one blank', () => {
    expect(read({ user_id: 'a\t', location: 'Puerta \r\n  del\tSol', device_id: 'x  y' })).toMatchObject({
      userId: 'a',
      location: 'Puerta del Sol',
      deviceId: 'x  y',
    })
    expect(read({ location: ' \n\t' })).toEqual(readRequest(SMALLEST))
    expect(problemsOf({ user_id: ' \n' })).toEqual([['user_id', 'is missing']])
  })

  it('trims blanks around text and no others', () => {
    expect(read({ user_id: ' \u00a0a b\u3000' }).userId).toBe('a b')
    expect(problemsOf({ user_id: 'a\u000b' })).toEqual([['user_id', 'has a control character']])
  })

  it.each([
    [0.29, 29],
    [4.35, 435],
    [1.15, 115],
    [1e3, 100_000],
    [99999999.99, 9_999_999_999],
    [999999999.99, 99_999_999_999],
    [0.01, 1],
    ['12.30', 1230],
    ['12.340000', 1234],
    ['+7', 700],
    [' 8.05 ', 805],
    ['5.', 500],
    ['.5', 50],
    ['000000000000000012.5', 1250],
    ['1.00E+07', 1_000_000_000],
    ['1e3', 100_000],
    ['1234e-2', 1234],
    ['.5e1', 500],
    ['1e-2', 1],
    [0, 0],
    [-0, 0],
    ['-0.00', 0],
    ['0e99999999999', 0],
    [-99, -9900],
    ['-12.34', -1234],
    ['-1e-2', -1],
  ])('reads the amount %j as exactly %i minor units', (amount, minor) => {
    expect(read({ amount }).amountMinor).toBe(minor)
  })

  it('reads every amount that there is exactly, as a number and as text', () => {
    fc.assert(
      fc.property(fc.integer({ min: -LARGEST, max: LARGEST }), (minor) => {
        const size = Math.abs(minor)
        const text = `${minor < 0 ? '-' : ''}${Math.floor(size / 100)}.${String(size % 100).padStart(2, '0')}`
        expect(read({ amount: text }).amountMinor).toBe(minor)
        expect(read({ amount: JSON.parse(text) }).amountMinor).toBe(minor)
      }),
      { numRuns: 5000 },
    )
  })

  it('reads a number as the decimal it prints as, whatever the number', () => {
    const outcome = (amount: unknown) => {
      try {
        return read({ amount }).amountMinor
      } catch (error) {
        return (error as RequestProblemsError).problems[0]?.what
      }
    }
    const numbers = fc.oneof(
      fc.double({ min: -1e10, max: 1e10, noNaN: true }),
      fc.integer({ min: 0, max: 100_000_000_000 }).map((thousandths) => thousandths / 1000),
    )
    fc.assert(
      fc.property(numbers, (amount) => {
        expect(outcome(amount)).toBe(outcome(String(amount)))
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01 10:00:00+01', '2026-01-01T09:00:00.000Z'],
    ['2026-01-01T10:00:00.25-0330', '2026-01-01T13:30:00.250Z'],
    ['2026-01-01T10:00:00.9999999+05:30', '2026-01-01T04:30:00.999Z'],
    ['\n2024-02-29T00:00:00Z ', '2024-02-29T00:00:00.000Z'],
    ['2026-12-31T24:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['1767261600000', '2026-01-01T10:00:00.000Z'],
    [1767261600000, '2026-01-01T10:00:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
  ])('reads the time %j as %s', (timestamp, iso) => {
    expect(read({ timestamp }).eventTimeMs).toBe(Date.parse(iso))
  })

  it('is what it writes: any transaction comes back from its request', () => {
    fc.assert(
      fc.property(transactions, (transaction) => {
        const again = readRequest(JSON.parse(JSON.stringify(writeRequest(transaction))))
        expect(again).toEqual(transaction)
        expect(Value.Check(TransactionSchema, again)).toBe(true)
      }),
    )
  })
})

describe('amounts are read by the rules of the model', () => {
  const by = (rules: Partial<AmountRules>) => ({ ...NO_SHAPE, amounts: { ...DEFAULT_AMOUNTS, ...rules } })
  const outcome = (amount: unknown, rules: Partial<AmountRules>) => {
    try {
      return readRequest({ ...SMALLEST, amount }, by(rules)).amountMinor
    } catch (error) {
      return (error as RequestProblemsError).problems[0]?.what
    }
  }

  it.each([
    [0, 'is 0'],
    ['0.00', 'is 0'],
    [-5, 'is below 0'],
    ['-0.001', 'is below 0'],
    [0.01, 1],
  ])('above 0 only, %j is read as %j', (amount, minor) => {
    expect(outcome(amount, AMOUNTS_ABOVE_ZERO)).toBe(minor)
  })

  it.each([
    ['2.5', 'half_even', 2],
    ['3.5', 'half_even', 4],
    ['-2.5', 'half_even', -2],
    ['2.51', 'half_even', 3],
    ['2.5', 'half_up', 3],
    ['-2.5', 'half_up', -3],
    ['2.49', 'half_up', 2],
    ['0.05', 'half_up', 0],
    ['2.99', 'down', 2],
    ['-2.99', 'down', -2],
    ['2.5', 'refuse', 'has decimals'],
  ] as const)('without decimals, %s is rounded %s to %j', (amount, rounding, minor) => {
    expect(outcome(amount, { decimals: 0, rounding })).toBe(minor)
    expect(outcome(Number(amount), { decimals: 0, rounding })).toBe(minor)
  })

  it('an amount of a currency of three decimals is a whole number of its thousandths', () => {
    expect(outcome('12.345', { decimals: 3 })).toBe(12_345)
    expect(outcome(12.345, { decimals: 3 })).toBe(12_345)
    expect(outcome('12.3456', { decimals: 3 })).toBe('has more than 3 decimals')
  })

  it('a request in another currency than the declared one is refused, and one that says none is of it', () => {
    const read = (currency: string | undefined, declared: string) =>
      readRequest({ ...SMALLEST, currency }, by({ currency: declared })).currency
    expect([read('KWD', 'KWD'), read('kwd', 'KWD'), read(undefined, 'KWD'), read('USD', '')]).toEqual([
      'KWD',
      'kwd',
      undefined,
      'USD',
    ])
    for (const other of ['USD', '\u212aWD', 'dinar'])
      expect(() => read(other, 'KWD')).toThrow('currency is not that of the model. Allowed: KWD')
  })

  it('says what is allowed in the digits of the currency', () => {
    const problems = (rules: Partial<AmountRules>) => {
      try {
        readRequest({ ...SMALLEST, amount: 'x' }, by(rules))
      } catch (error) {
        return (error as RequestProblemsError).problems[0]?.allowed
      }
      return undefined
    }
    expect(problems({})).toBe('from -999999999.99 to 999999999.99, with at most 2 decimals: 12.34 or "12.34"')
    expect(problems({ ...AMOUNTS_ABOVE_ZERO, decimals: 0, rounding: 'down' })).toBe(
      'from 1 to 99999999999: 1234 or "1234"',
    )
  })

  it('whatever the rounding, no amount moves by more than it says', () => {
    const digits = fc.integer({ min: -99_999_999, max: 99_999_999 })
    fc.assert(
      fc.property(digits, fc.constantFrom('half_even', 'half_up', 'down'), (thousandths, rounding) => {
        const minor = outcome(thousandths / 1000, { rounding }) as number
        expect(Math.abs(minor * 10 - thousandths)).toBeLessThan(rounding === 'down' ? 10 : 5.5)
        if (rounding === 'down') expect(Math.abs(minor * 10)).toBeLessThanOrEqual(Math.abs(thousandths))
      }),
    )
  })
})

describe('a request that is no transaction is refused with every problem', () => {
  it.each([
    [{ transaction_id: undefined }, 'transaction_id', 'is missing'],
    [{ user_id: ' ' }, 'user_id', 'is missing'],
    [{ user_id: null }, 'user_id', 'is missing'],
    [{ user_id: 1.5 }, 'user_id', 'is a number that is not whole or not exact'],
    [{ user_id: 2 ** 53 }, 'user_id', 'is a number that is not whole or not exact'],
    [{ user_id: true }, 'user_id', 'is no text'],
    [{ merchant_id: ['m'] }, 'merchant_id', 'is no text'],
    [{ location: 'é'.repeat(257) }, 'location', 'has 257 UTF-16 units'],
    [{ location: 'a\u0000b' }, 'location', 'has a control character'],
    [{ location: '\ud83d' }, 'location', 'has half of a surrogate pair'],
    [{ location: 'x\ude00y' }, 'location', 'has half of a surrogate pair'],
    [{ timestamp: undefined }, 'timestamp', 'is missing'],
    [{ timestamp: '' }, 'timestamp', 'is missing'],
    [{ timestamp: 'yesterday' }, 'timestamp', 'is no instant'],
    [{ timestamp: '2026-01-01T10:00:00' }, 'timestamp', 'has no time zone'],
    [{ timestamp: '2026-02-30T10:00:00Z' }, 'timestamp', 'is no instant'],
    [{ timestamp: '2026-01-01T10:00Z' }, 'timestamp', 'is no instant'],
    [{ timestamp: '2026-01-01T24:00:00.5Z' }, 'timestamp', 'is no instant'],
    [{ timestamp: '1969-12-31T23:59:59Z' }, 'timestamp', 'is before 1970 or after 9999'],
    [{ timestamp: 253402300800000 }, 'timestamp', 'is before 1970 or after 9999'],
    [{ timestamp: 1.5 }, 'timestamp', 'is no instant'],
    [{ timestamp: true }, 'timestamp', 'is no instant'],
    [{ amount: undefined }, 'amount', 'is missing'],
    [{ amount: '' }, 'amount', 'is missing'],
    [{ amount: 1.005 }, 'amount', 'has more than 2 decimals'],
    [{ amount: 1e-7 }, 'amount', 'has more than 2 decimals'],
    [{ amount: -0.001 }, 'amount', 'has more than 2 decimals'],
    [{ amount: '1e-99999999999' }, 'amount', 'has more than 2 decimals'],
    [{ amount: 1e9 }, 'amount', 'is beyond 999999999.99'],
    [{ amount: -1e9 }, 'amount', 'is beyond 999999999.99'],
    [{ amount: 1e300 }, 'amount', 'is beyond 999999999.99'],
    [{ amount: '1e99999999999' }, 'amount', 'is beyond 999999999.99'],
    [{ amount: '99999999999999999999999' }, 'amount', 'is beyond 999999999.99'],
    [{ amount: '1e' }, 'amount', 'is no number'],
    [{ amount: '1e1.5' }, 'amount', 'is no number'],
    [{ amount: Number.POSITIVE_INFINITY }, 'amount', 'is no number'],
    [{ amount: '1,5' }, 'amount', 'is no number'],
    [{ amount: '1.2.3' }, 'amount', 'is no number'],
    [{ amount: '.' }, 'amount', 'is no number'],
    [{ amount: {} }, 'amount', 'is no number'],
    [{ latitude: 91 }, 'latitude', 'is no number within its range'],
    [{ latitude: 'NaN' }, 'latitude', 'is no number within its range'],
    [{ longitude: '0x10' }, 'longitude', 'is no number within its range'],
    [{ longitude: true }, 'longitude', 'is no number within its range'],
  ])('%j: %s %s', (changes, field, what) => {
    expect(problemsOf(changes)).toEqual([[field, what]])
  })

  it.each([
    [1774601920.25, '1774601920.25', '2026-03-27T08:58:40.250Z'],
    ['1774601920.25', '"1774601920.25"', '2026-03-27T08:58:40.250Z'],
    [' 1774601920.000 ', '" 1774601920.000 "', '2026-03-27T08:58:40.000Z'],
    [1e9 + 0.1234567, '1000000000.1234567', '2001-09-09T01:46:40.123Z'],
  ])('the time %j is told to be seconds, as whole ones are by the clock', (timestamp, got, iso) => {
    expect(failure({ timestamp }).problems).toEqual([
      {
        field: 'timestamp',
        what: `looks like seconds since 1970, which would be ${iso}`,
        allowed: 'milliseconds since 1970, or ISO 8601 with a zone',
        got,
      },
    ])
  })

  it.each([0.5, 99.25, 5e9 + 0.5, 1774601920250.5, '1774601920250.5', '1774601920.', '1774601920.25s'])(
    'the time %j is no instant, in seconds neither',
    (timestamp) => {
      expect(problemsOf({ timestamp })).toEqual([['timestamp', 'is no instant']])
    },
  )

  it('tells of everything at once', () => {
    const error = failure({ user_id: '', amount: 'x', latitude: 100, colour: 'red' })
    expect(error.problems.map(({ field }) => field)).toEqual(['user_id', 'amount', 'latitude', 'colour'])
    expect([error.code, error.status]).toEqual(['REQUEST_TRANSACTION_INVALID', 422])
  })

  it('names the field that was probably meant', () => {
    expect(failure({ merchantid: 'm' }).problems).toEqual([
      {
        field: 'merchantid',
        what: 'is no field of a transaction',
        allowed: 'did you mean "merchant_id"?',
        got: '"merchantid"',
      },
    ])
    expect(failure({ is_fraud: 1 }).problems[0]?.allowed).toContain('POST /feedback')
  })

  it('ignores unknown fields when asked to', () => {
    expect(readRequest({ ...SMALLEST, colour: 'red' }, NO_SHAPE, 'ignore')).toEqual(readRequest(SMALLEST))
  })

  it('takes what JSON says of __proto__ as an unknown field and nothing of it as a value', () => {
    const body = JSON.parse('{"__proto__": {"transaction_id": "t", "amount": 1}, "user_id": "u"}')
    expect(problemsIn(() => readRequest(body)).map(([field]) => field)).toEqual([
      'transaction_id',
      'timestamp',
      'amount',
      '__proto__',
    ])
  })

  it('tells of a few when there are very many', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`x${index}`, 1]))
    expect(failure(many).problems.length).toBeLessThanOrEqual(20)
  })

  it.each([null, 1, 'text', [], [SMALLEST]])('%j is no transaction', (body) => {
    expect(problemsIn(() => readRequest(body))).toEqual([['', 'is no transaction']])
  })
})

const failure = (changes: object): RequestProblemsError => {
  try {
    read(changes)
  } catch (error) {
    if (error instanceof RequestProblemsError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const problemsOf = (changes: object) => failure(changes).problems.map(({ field, what }) => [field, what])

const problemsIn = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    return (error as RequestProblemsError).problems.map(({ field, what }) => [field, what])
  }
  throw new Error('it was accepted')
}

// Text as it is stored: without blanks around it.
const words = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .map((text) => text.replace(/\p{Cc}/gu, '').replace(/^\p{Zs}+|\p{Zs}+$/gu, ''))
  .filter((text) => text !== '')

const BY_KIND = {
  id: words,
  category: words,
  place: words,
  time: fc.integer({ min: 0, max: LATEST_TIME_MS }),
  amount: fc.integer({ min: -LARGEST, max: LARGEST }).map((minor) => minor + 0),
}

const valuesOf = (field: TransactionField): fc.Arbitrary<string | number> =>
  field.kind === 'coordinate'
    ? fc.double({ min: field.bounds[0], max: field.bounds[1], noNaN: true }).map((degrees) => degrees + 0)
    : BY_KIND[field.kind]

const transactions = fc.record(
  Object.fromEntries(TRANSACTION_FIELDS.map((field) => [field.name, valuesOf(field)])),
  // Every transaction of this shape names its user.
  {
    requiredKeys: TRANSACTION_FIELDS.filter(({ name, required }) => required || name === 'userId').map(
      ({ name }) => name,
    ),
  },
) as unknown as fc.Arbitrary<Transaction>
