import { type Static, Type } from 'typebox'

const share = (value: number, description: string) =>
  Type.Number({ minimum: 0, maximum: 1, default: value, description, unit: 'share' })

const positive = (value: number, unit: string, description: string) =>
  Type.Number({ exclusiveMinimum: 0, default: value, description, unit })

const whole = (value: number, minimum: number, unit: string, description: string) =>
  Type.Integer({ minimum, default: value, description, unit })

const relativeShare = (value: number) =>
  Type.Number({
    minimum: 0,
    default: value,
    unit: 'relative',
    description:
      'Part of the frauds that follow this pattern, relative to the other patterns; 0 leaves it out. The default mix has every pattern, none above a quarter, so that no single trace decides.',
  })

const closed = { additionalProperties: false } as const

const AmountBurst = Type.Object(
  {
    share: relativeShare(0.18),
    minimum_events: whole(2, 1, 'transactions', 'Least purchases of one burst; two make it a burst.'),
    maximum_events: whole(
      6,
      1,
      'transactions',
      'Most purchases of one burst; cards are blocked at about that many.',
    ),
    minimum_multiple: positive(
      3,
      'times',
      'Least multiple of what the purchase would have cost the holder; 3 overlaps with honest big purchases.',
    ),
    maximum_multiple: positive(
      10,
      'times',
      'Greatest multiple; beyond it a plain limit on the amount would do.',
    ),
    window_hours: positive(
      30,
      'hours',
      'Length of the burst; more than a day, so that daily counts alone miss it.',
    ),
  },
  { ...closed, default: {}, description: "Purchases well above the holder's own habit, within a day or so." },
)

const StolenCard = Type.Object(
  {
    share: relativeShare(0.22),
    minimum_tests: whole(
      3,
      1,
      'transactions',
      'Least small amounts that test the card; three in a row are rare by chance.',
    ),
    maximum_tests: whole(6, 1, 'transactions', 'Most tests; more would trip any counter.'),
    maximum_large: whole(3, 1, 'transactions', 'Most large amounts after the tests.'),
    test_amount: positive(
      3,
      'currency',
      'Median amount of a test; small enough to go unnoticed, as honest digital purchases.',
    ),
    large_multiple: positive(3, 'times', "Median multiple of the holder's own level for the large amounts."),
    window_minutes: positive(
      40,
      'minutes',
      'Time from the first test to the last large amount; hourly windows see it.',
    ),
  },
  { ...closed, default: {}, description: 'Card numbers used online: quick small tests, then large amounts.' },
)

const AccountTakeover = Type.Object(
  {
    share: relativeShare(0.2),
    minimum_events: whole(2, 1, 'transactions', 'Least transactions from the foreign device.'),
    maximum_events: whole(5, 1, 'transactions', 'Most of them, until the holder notices.'),
    multiple: positive(
      2,
      'times',
      "Median multiple of the holder's own level; low, since device and place are the trace.",
    ),
    window_hours: positive(6, 'hours', "Time from the first to the last; one night's work."),
    victims_per_device: positive(
      3,
      'accounts',
      'Mean number of accounts taken from one device; a device shared by strangers is a trace.',
    ),
  },
  { ...closed, default: {}, description: 'Transfers and purchases from a new device and a new place.' },
)

const ImpossibleTravel = Type.Object(
  {
    share: relativeShare(0.12),
    maximum_events: whole(2, 1, 'transactions', 'Most uses of the copied card.'),
    window_minutes: positive(
      60,
      'minutes',
      'Greatest time since the holder used the real card; with the distance below it sets the least speed.',
    ),
    minimum_distance: positive(
      1500,
      'km',
      'Least distance from the holder; 1500 km within an hour is faster than any airliner (900 km/h).',
    ),
  },
  { ...closed, default: {}, description: 'A copied card used far from where the holder has just paid.' },
)

const CompromisedMerchant = Type.Object(
  {
    share: relativeShare(0.16),
    window_days: whole(
      21,
      1,
      'days',
      'How long a merchant stays compromised; longer than the label delay, so that past labels help.',
    ),
    volume_multiple: positive(
      1,
      'times',
      'Frauds there, relative to its honest transactions in the window; 1 makes half of them fraud.',
    ),
  },
  {
    ...closed,
    default: {},
    description: 'A merchant at which, for a window of days, ordinary-looking transactions are frauds.',
  },
)

const OddHours = Type.Object(
  {
    share: relativeShare(0.12),
    minimum_events: whole(1, 1, 'transactions', 'Least transactions of one night.'),
    maximum_events: whole(3, 1, 'transactions', 'Most transactions of one night.'),
    first_hour: Type.Number({
      minimum: 0,
      maximum: 23,
      default: 1,
      unit: 'hours',
      description: 'Start of the night, UTC; most customers sleep.',
    }),
    last_hour: Type.Number({
      minimum: 1,
      maximum: 24,
      default: 5,
      unit: 'hours',
      description: 'End of the night, UTC; before the first commuters.',
    }),
    multiple: positive(
      1.6,
      'times',
      "Median multiple of the holder's own level; mild, since the hour is the trace.",
    ),
  },
  {
    ...closed,
    default: {},
    description:
      'Transactions while this customer is always asleep; night owls make the plain hour a weak rule.',
  },
)

const Missing = Type.Object(
  {
    currency: share(0.002, 'Missing currencies; exports rarely lose them.'),
    merchant_category: share(0.01, 'Missing categories; small merchants are often unclassified.'),
    transaction_type: share(0.002, 'Missing types; exports rarely lose them.'),
    device_id: share(0.02, 'Missing device identifiers; privacy settings hide some.'),
    device_type: share(0.01, 'Missing device types; old terminals do not say.'),
    location: share(0.02, 'Missing place names; as often as identifiers.'),
    coordinates: share(0.03, 'Missing latitude and longitude, both at once: many apps are denied them.'),
  },
  {
    ...closed,
    default: {},
    description:
      'Share of rows without an optional value, the same for honest and fraudulent rows so that a gap tells nothing.',
  },
)

const Drift = Type.Object(
  {
    kind: Type.Union(
      [Type.Literal('none'), Type.Literal('amount'), Type.Literal('merchants'), Type.Literal('concept')],
      {
        default: 'none',
        description:
          'none: nothing changes. amount: all amounts rise. merchants: customers turn to other, online merchants. concept: fraudsters imitate their victims. Off unless asked for.',
      },
    ),
    from_day: whole(
      60,
      0,
      'days',
      'First changed day, counted from 0; half way through the default 120 days. Earlier days are byte for byte those without drift.',
    ),
    strength: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      unit: 'share',
      description:
        'amount: relative rise. merchants: share of purchases moved. concept: share of frauds that changed method. A half is seen by every test, yet is not absurd.',
    }),
  },
  { ...closed, default: {}, description: 'A change of the world from a given day on, to test monitoring.' },
)

const Disorder = Type.Object(
  {
    late_share: share(
      0,
      'Share of rows that arrive late; 0 gives rows in event order, which most sources have.',
    ),
    mean_lateness_minutes: positive(
      90,
      'minutes',
      'Mean delay of a late row (exponential); the order of a phone without network.',
    ),
    maximum_lateness_hours: positive(72, 'hours', 'Longest delay; a bound keeps the memory bounded.'),
    duplicate_share: share(
      0,
      'Share of rows that are an earlier row sent again with the same transaction_id (at most a half); they count as rows.',
    ),
    same_second_share: share(0, 'Share of transactions in the same second as another of the same customer.'),
  },
  {
    ...closed,
    default: {},
    description: 'How arrival differs from what happened. Rows of the file are always in arrival order.',
  },
)

/** `generate`: everything that shapes generated data. The same settings and seed give the same bytes. */
export const GenerateSchema = Type.Object(
  {
    seed: Type.Union([Type.Integer(), Type.Null()], {
      default: null,
      description:
        'Seed of the generated data; null takes project.seed, so that one number repeats a whole project.',
    }),
    rows: whole(100_000, 1, 'rows', 'Rows of the file, met exactly; enough for a first model in seconds.'),
    users: whole(2_000, 1, 'customers', 'Customers; with the default rows about 50 transactions each.'),
    merchants: whole(600, 1, 'merchants', 'Merchants; with the default rows about 170 transactions each.'),
    days: Type.Integer({
      minimum: 1,
      maximum: 3000,
      default: 120,
      unit: 'days',
      description: 'Days covered; four times the longest window of the features.',
    }),
    start: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}$',
      default: '2025-01-01',
      description: 'First day (UTC). A setting and never today, so that data can be made again.',
    }),
    currency: Type.String({
      pattern: '^[A-Z]{3}$',
      default: 'EUR',
      description: 'ISO 4217 code of every amount; the bank is European.',
    }),
    fraud_rate: Type.Number({
      minimum: 0,
      maximum: 0.5,
      default: 0.01,
      unit: 'share',
      description:
        'Share of fraudulent rows, before duplicates; 1 % is high for a bank and low for a lesson.',
    }),
    patterns: Type.Object(
      {
        amount_burst: AmountBurst,
        stolen_card: StolenCard,
        account_takeover: AccountTakeover,
        impossible_travel: ImpossibleTravel,
        compromised_merchant: CompromisedMerchant,
        odd_hours: OddHours,
      },
      { ...closed, default: {}, description: 'How frauds look.' },
    ),
    lookalikes: Type.Object(
      {
        travel: share(0.08, 'Share of two-week periods in which a customer travels; holidays and business.'),
        remote_network: share(
          0.01,
          'Share of online transactions that seem to come from elsewhere (virtual private networks).',
        ),
        borrowed_device: share(
          0.004,
          'Share of online transactions from a device of someone else or a public one.',
        ),
        big_purchase: share(0.008, 'Share of purchases several times above habit.'),
        session: share(
          0.08,
          'Share of purchases followed by another within minutes; velocity without fraud.',
        ),
        night_owls: share(0.12, 'Share of customers who are awake at night.'),
      },
      {
        ...closed,
        default: {},
        description: 'Honest behaviour that resembles fraud, so that precision is not free.',
      },
    ),
    missing: Missing,
    drift: Drift,
    disorder: Disorder,
  },
  { ...closed, default: {}, description: 'Generated data (`vigia generate`).' },
)

/** Effective settings of `generate`, every default filled in. */
export type GenerateSettings = Static<typeof GenerateSchema>
