import { type Static, Type } from 'typebox'
import { WINDOW_PATTERN } from '../../foundation/duration.ts'

const windows = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern: WINDOW_PATTERN, unit: 'duration' }), {
      uniqueItems: true,
      description,
    }),
  )

const names = (description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1 }), { uniqueItems: true, description }))

const idOf = (description: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 8, uniqueItems: true }),
      ],
      { description },
    ),
  )

/** One entry of `entities`. What is left out is decided where it is read. */
const EntitySchema = Type.Object(
  {
    id: idOf(
      'What names it: a field, an attribute of kind category or text, a column of the source, an SQL expression; or a list of them, which name it together. user, merchant and device have theirs.',
    ),
    roles: Type.Optional(
      Type.Object(
        {
          sender: idOf('What names it where it sends, as id.'),
          receiver: idOf('What names it where it receives, as id.'),
        },
        {
          additionalProperties: false,
          description:
            'In place of id, for an entity that sends in one transaction and receives in another: its state knows both sides. Features are those of <name>_sender and <name>_receiver.',
        },
      ),
    ),
    word: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 60,
        description: 'What reasons call it: IP address. Left out: its name.',
      }),
    ),
    features: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Literal('counts'),
          Type.Literal('amounts'),
          Type.Literal('spread'),
          Type.Literal('maximum'),
          Type.Literal('refunds'),
          Type.Literal('life'),
          Type.Literal('time'),
          Type.Literal('risk'),
          Type.Literal('run'),
          Type.Literal('flow'),
          Type.Literal('fan'),
          Type.Literal('counterparty'),
        ]),
        {
          uniqueItems: true,
          description:
            'What is computed of it; run: frauds in a row among known labels; flow, fan and counterparty of one with roles. Left out: counts, amounts, life, time, risk; with roles: flow, fan, counterparty, life, time, risk.',
        },
      ),
    ),
    windows: windows('Windows of its behaviour; left out: features.windows.'),
    risk_windows: windows('Windows of its labels; left out: features.risk_windows.'),
    distinct: names('How many different of these it is seen with in each window.'),
    habits: names('Of these, whether the one at hand is new to it, and how usual.'),
    transactions: Type.Optional(
      Type.Integer({
        minimum: 4,
        maximum: 1_048_576,
        description: 'Most recent transactions kept for each; default 4096.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Entities of a bank's own, beside user, merchant and device. */
export const EntitiesSchema = Type.Record(Type.String({ minLength: 1 }), EntitySchema, {
  default: {},
  description:
    "Entities of the bank's own beside user, merchant and device, by name, each with states and features of its own: `ip: { id: ip_address }`, a pair `user_at_merchant: { id: [user_id, merchant_id] }`. id: a field, an attribute, a column, SQL, or a list of them; roles: two of these, sender and receiver, for an account that does both; word: for reasons; features: counts, amounts, spread, maximum, refunds, life, time, risk (default: counts, amounts, life, time, risk), and flow, fan, counterparty with roles; windows, risk_windows; distinct and habits: other entities, category or location that it is seen with; transactions: most kept for each. Under user, merchant and device stand only distinct and habits of the bank's own: `user: { habits: [ip] }`. None by default. See docs/entities.md.",
})

export type EntitiesSettings = Static<typeof EntitiesSchema>
