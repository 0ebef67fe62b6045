import { afterAll, describe, expect, it } from 'vitest'
import type { ServedMapping } from '../decisions/inference-pipeline.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import { createTestServer } from './serving.test-kit.ts'

const MAPPING: SourceMapping = {
  version: 1,
  format: 'csv',
  timeZone: 'UTC',
  columns: ['TransactionID', 'card1', 'card2', 'When', 'TransactionAmt', 'Errors?'].map((name) => ({
    name,
    type: 'VARCHAR',
  })),
  fields: {
    transaction_id: '"TransactionID"',
    user_id: `concat_ws('-', card1, card2)`,
    timestamp: '"When"',
    amount: 'money("TransactionAmt")',
  },
  attributes: { errors: '"Errors?"', card2: '"card2"' },
}

const SHAPE: TransactionShape = {
  attributes: [
    { name: 'errors', kind: 'category' },
    { name: 'card2', kind: 'category' },
  ],
  hasUsers: true,
  amounts: DEFAULT_AMOUNTS,
}

const ROW = `{"TransactionID": 3000000, "card1": 4605, "card2": 111.0, "When": "2026-01-31 09:30:00",
  "TransactionAmt": "$1,234.50", "Errors?": null, "V339": 0.0, "more": {"of": ["the", "bank"]}}`

/** A server of models with a mapping, and what it was sent. */
const serverOf = async (mapping: ServedMapping = { mapping: MAPPING }) => {
  const { app, pipeline } = await createTestServer()
  Object.assign(pipeline, { mapping, shape: SHAPE })
  opened.push(app)
  const send = async (url: string, payload: string, type = 'application/json') => {
    const answer = await app.inject({ method: 'POST', url, payload, headers: { 'content-type': type } })
    return { status: answer.statusCode, text: answer.payload }
  }
  return { app, pipeline, send }
}

const opened: { close(): Promise<unknown> }[] = []
afterAll(() => Promise.all(opened.map((app) => app.close())))

describe('a row of the source', () => {
  it('is decided on as the transaction that training would have read, and that is what is logged', async () => {
    const { pipeline, send } = await serverOf()
    expect(await send('/predict?mapping=source', ROW)).toMatchObject({ status: 200 })
    const logged = await pipeline.find('3000000')
    expect(logged?.transaction).toEqual({
      transactionId: '3000000',
      userId: '4605-111.0',
      eventTimeMs: Date.UTC(2026, 0, 31, 9, 30),
      amountMinor: 123_450,
      attributes: { card2: '111.0' },
    })
  })

  it('is decided on in a batch and in a stream, beside rows that cannot be used', async () => {
    const { send } = await serverOf()
    const rows = [ROW, '{"TransactionID": 5}', ROW.replace('3000000', '3000001')]
    const batch = await send('/predict/batch?mapping=source', `{"transactions": [${rows.join(', ')}]}`)
    expect(JSON.parse(batch.text)).toMatchObject({ decided: 2, failed: 1 })
    const lines = rows.map((row) => `${row.replaceAll('\n', ' ')}\n`).join('')
    const stream = await send('/predict/batch?mapping=source', lines, 'application/x-ndjson')
    const answers = stream.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(answers).toMatchObject([{ transaction_id: '3000000' }, { line: 2 }, { transaction_id: '3000001' }])
  })

  it('is the transaction of a label', async () => {
    const { send } = await serverOf()
    const known = await send(
      '/feedback?mapping=source',
      `{"transaction_id": 3000000, "is_fraud": 1, "transaction": ${ROW}}`,
    )
    expect(known).toMatchObject({ status: 200 })
    const other = await send(
      '/feedback?mapping=source',
      `{"transaction_id": "another", "is_fraud": true, "transaction": ${ROW}}`,
    )
    expect(other).toMatchObject({
      status: 422,
      text: expect.stringContaining('transaction.transaction_id is another'),
    })
    const bad = await send(
      '/feedback?mapping=source',
      `{"transaction_id": 1, "is_fraud": 0, "transaction": {"x": 1}}`,
    )
    expect(bad).toMatchObject({ status: 422, text: expect.stringContaining('none of the columns') })
    const bare = await send(
      '/feedback?mapping=source',
      `{"transaction_id": 1, "is_fraud": 0, "user_id": "u"}`,
    )
    expect(bare).toMatchObject({ status: 200 })
  })

  it.each([
    [
      '{"a": 1}',
      'it has none of the columns that the mapping reads. Allowed: columns of the source: TransactionID, card1',
    ],
    ['[1, "a"]', 'it is no row. Allowed: a JSON object; got [1,"a"]'],
    ['5', 'it is no row. Allowed: a JSON object; got 5'],
    [
      ROW.replace('"TransactionAmt": "$1,234.50"', '"TransactionAmt": "much"'),
      'TransactionAmt (amount) is no number',
    ],
    [
      ROW.replace('"TransactionAmt"', '"transactionamt"'),
      'column transactionamt is written otherwise in the source. Allowed: TransactionAmt',
    ],
    [
      ROW.replace('"TransactionAmt": "$1,234.50"', '"TransactionAmt": [5]'),
      'column TransactionAmt is a mapping or a list',
    ],
    [
      ROW.replace('"TransactionID": 3000000', '"TransactionID": null'),
      'column TransactionID (transaction_id) is missing',
    ],
    [ROW.replace('2026-01-31 09:30:00', 'today'), 'column When (timestamp) is no instant'],
    [
      ROW.replace('"2026-01-31 09:30:00"', '1774601920.25'),
      'column When (timestamp) looks like seconds since 1970, which would be 2026-03-27T08:58:40.250Z',
    ],
    [
      ROW.replace('4605', 'null').replace('111.0', 'null'),
      'card1, card2 (user_id) cannot be used: user missing',
    ],
  ])('%s is refused by column and field', async (row, sentence) => {
    const { send } = await serverOf()
    const answer = await send('/predict?mapping=source', row)
    expect(answer.status).toBe(422)
    expect(JSON.parse(answer.text).error.message).toContain(sentence)
  })

  it('whose time is in seconds is told so by SQL too, and counted', async () => {
    const mapping = { ...MAPPING, fields: { ...MAPPING.fields, timestamp: 'concat("When", card2)' } }
    const { app, send } = await serverOf({ mapping })
    const row = ROW.replace('"2026-01-31 09:30:00"', '"1774601920."').replace('111.0', '25')
    const answer = await send('/predict?mapping=source', row)
    expect(JSON.parse(answer.text).error.problems).toEqual([
      {
        field: 'card2, When (timestamp)',
        what: 'looks like seconds since 1970, which would be 2026-03-27T08:58:40.250Z',
        allowed: 'milliseconds since 1970, or ISO 8601 with a zone',
        got: '"1774601920.25"',
      },
    ])
    const { payload } = await app.inject('/metrics')
    expect(payload).toMatch(/^vigia_event_time_refused_total\{reason="seconds"\} 1$/m)
  })

  it('that is no JSON stays none, however its numbers look', async () => {
    const { send } = await serverOf()
    for (const row of [
      '{"TransactionID": 01}',
      '{"TransactionID": 1.2.3}',
      '{"card1": -}',
      '{"card1": 1 2}',
      '{1: 2}x',
    ])
      expect(await send('/predict?mapping=source', row)).toMatchObject({ status: 400 })
  })

  it('of a model without a mapping is answered by what to do', async () => {
    const { app } = await createTestServer()
    opened.push(app)
    const answer = await app.inject({ method: 'POST', url: '/predict?mapping=source', payload: { a: 1 } })
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toMatchObject({
      error: { code: 'SERVING_MAPPING_MISSING', fix: expect.stringContaining('vigia run') },
    })
  })

  it('of a mapping that asks for more than rows is refused: files, settings, other statements', async () => {
    for (const evil of [
      `(SELECT content FROM read_text('/etc/hostname'))`,
      `1) AS x; COPY (SELECT 1) TO '/tmp/x'; SELECT (1`,
      `random()`,
    ]) {
      const fields = { ...MAPPING.fields, user_id: evil }
      const { send } = await serverOf({ mapping: { ...MAPPING, fields } })
      const answer = await send('/predict?mapping=source', ROW)
      expect(answer).toMatchObject({ status: 409, text: expect.stringContaining('SERVING_MAPPING_REFUSED') })
    }
    const columns = [{ name: 'card1', type: `VARCHAR); ATTACH '/tmp/x' AS y; CREATE TABLE z (a VARCHAR` }]
    const { send } = await serverOf({ mapping: { ...MAPPING, columns } })
    expect(await send('/predict?mapping=source', ROW)).toMatchObject({ status: 409 })
  })

  it('is mapped by the models now in service', async () => {
    const { pipeline, send } = await serverOf()
    await Promise.all([1, 2, 3].map((n) => send('/predict?mapping=source', ROW.replace('3000000', `${n}`))))
    const fields = { ...MAPPING.fields, user_id: `concat('new-', card1)` }
    Object.assign(pipeline, { mapping: { mapping: { ...MAPPING, fields } } })
    expect(await send('/predict?mapping=source', ROW)).toMatchObject({ status: 200 })
    expect((await pipeline.find('3000000'))?.transaction.userId).toBe('new-4605')
  })

  it('is described by the columns that the mapping reads', async () => {
    const { app } = await serverOf()
    const { components } = (await app.inject({ url: '/openapi.json' })).json()
    expect(Object.keys(components.schemas.SourceRow.properties)).toEqual(
      MAPPING.columns.map(({ name }) => name),
    )
    expect(components.schemas.SourceRow.properties.card2.description).toBe(
      'VARCHAR in the source; for user_id, attributes.card2.',
    )
  })
})
