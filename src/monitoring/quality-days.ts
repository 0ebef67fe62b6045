import type { FittedFeatures } from '../features/fitted-features.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { ReferenceProfile } from '../model/reference-profile.ts'
import type { CategoryColumn, NumberColumn, WindowRows, WindowSummary } from '../quality/window-summary.ts'
import { summarizeWindow } from '../quality/window-summary.ts'
import { type AmountRules, minorPerUnit } from '../transaction/amount-rules.ts'
import type { AttributeValues } from '../transaction/attributes.ts'
import { foldCategory } from '../transaction/fold-category.ts'
import type { LoggedRows } from './logged-rows.ts'

/** What a model's training knew of the fields of transactions. */
export interface KnownFields {
  readonly fitted: Pick<FittedFeatures, 'vocabularies' | 'attributes'>
  readonly reference: Pick<ReferenceProfile, 'features'>
  readonly amounts: Pick<AmountRules, 'decimals'>
}

type Texts = keyof LoggedRows['texts']
type Numbers = keyof LoggedRows['numbers']

const CATEGORIES: readonly (readonly [field: string, text: Texts])[] = [
  ['currency', 'currency'],
  ['merchant_category', 'merchantCategory'],
  ['transaction_type', 'transactionType'],
  ['device_type', 'deviceType'],
  ['location', 'location'],
]
/** Of ids only whether there is one matters. */
const IDS: readonly (readonly [field: string, has: Numbers])[] = [
  ['user_id', 'hasUser'],
  ['merchant_id', 'hasMerchant'],
  ['device_id', 'hasDevice'],
]
const GIVEN = 'given'
const ANYTHING: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
/** Values that are folded once; a stream of invented ones must not stay in memory. */
const MOST_FOLDED = 10_000

/**
 * Summaries of days from rows that come sorted by day: the rows of one day are in memory at a time.
 *
 * Fields are those of transactions as they came, before cleaning, and the bank's attributes. What is the same
 * in time, amount, currency and entities as a row before it is a duplicate, whatever its id: a repeated id is
 * answered from the first decision and does not stand in the log.
 */
export class QualityDays {
  /** Ascending. */
  readonly summaries: WindowSummary[] = []
  private readonly known: KnownFields
  private readonly folded = new Map<string, string | null>()
  private day = Number.NaN
  private rows = newDay()

  constructor(known: KnownFields) {
    this.known = known
  }

  /** Takes rows in, as `readLoggedRows` gives them. */
  add(chunk: LoggedRows): void {
    for (let row = 0; row < chunk.rowCount; row++) {
      if (chunk.isRepeated[row] === 1) continue
      const day = Math.floor(chunk.numbers.eventTimeMs[row]! / DAY_MS)
      if (day !== this.day) {
        this.end()
        this.day = day
      }
      this.addRow(chunk, row)
    }
  }

  /** Summarises the last day. */
  end(): void {
    if (this.rows.timesMs.length > 0) this.summaries.push(summarizeWindow(this.window(this.day)))
    this.rows = newDay()
  }

  /** The summary of a day without rows. */
  empty(day: number): WindowSummary {
    this.rows = newDay()
    return summarizeWindow(this.window(day))
  }

  private addRow({ numbers, texts }: LoggedRows, row: number): void {
    const { rows } = this
    const contents = numbers.contents[row]!
    rows.timesMs.push(numbers.eventTimeMs[row]!)
    rows.isLate.push(numbers.isLate[row]!)
    rows.users.push(numbers.user[row]!)
    rows.isDuplicate.push(Number(rows.seen.has(contents)))
    rows.seen.add(contents)
    rows.amounts.push(numbers.amountMinor[row]!)
    rows.latitudes.push(numbers.latitude[row]!)
    rows.longitudes.push(numbers.longitude[row]!)
    CATEGORIES.forEach(([field, text], at) => {
      rows.categories[at]!.push(this.fold(field, texts[text][row] ?? null))
    })
    IDS.forEach(([, has], at) => {
      rows.ids[at]!.push(numbers[has][row] === 1 ? GIVEN : null)
    })
    const attributes = texts.attributes[row]
    if ((this.known.fitted.attributes ?? []).length > 0)
      rows.attributes.push(attributes == null ? {} : (JSON.parse(attributes) as AttributeValues))
  }

  private fold(field: string, value: string | null): string | null {
    if (value === null) return null
    const key = `${field} ${value}`
    const known = this.folded.get(key)
    if (known !== undefined) return known
    const folded = foldCategory(field, value) ?? null
    if (this.folded.size < MOST_FOLDED) this.folded.set(key, folded)
    return folded
  }

  private window(day: number): WindowRows {
    const { rows } = this
    return {
      startMs: day * DAY_MS,
      timesMs: Float64Array.from(rows.timesMs),
      isDuplicate: Uint8Array.from(rows.isDuplicate),
      isLate: Uint8Array.from(rows.isLate),
      users: Float64Array.from(rows.users),
      fields: {
        amount: {
          kind: 'number',
          values: Float64Array.from(rows.amounts),
          range: amountRange(this.known),
          groups: rows.categories[0]!.map((currency) => currency ?? ''),
        },
        latitude: { kind: 'number', values: Float64Array.from(rows.latitudes), range: ANYTHING },
        longitude: { kind: 'number', values: Float64Array.from(rows.longitudes), range: ANYTHING },
        ...Object.fromEntries(
          CATEGORIES.map(([field], at) => [field, this.category(field, rows.categories[at]!)]),
        ),
        ...Object.fromEntries(IDS.map(([field], at) => [field, this.category(field, rows.ids[at]!)])),
        ...this.attributes(),
      },
    }
  }

  /** Where training knew no values, every value is known. */
  private category(field: string, values: readonly (string | null)[]): CategoryColumn {
    const vocabulary = this.known.fitted.vocabularies[field]
    const known =
      vocabulary === undefined
        ? values.filter((value) => value !== null)
        : vocabulary.map(({ value }) => value)
    return { kind: 'category', values, known: new Set(known) }
  }

  private attributes(): Record<string, NumberColumn | CategoryColumn> {
    const { rows, known } = this
    return Object.fromEntries(
      (known.fitted.attributes ?? []).map(({ name, kind }) => {
        const values = rows.attributes.map((attributes) => attributes[name])
        if (kind === 'number' || kind === 'time') {
          const numbers = Float64Array.from(values, (value) =>
            typeof value === 'number' ? value : Number.NaN,
          )
          return [name, { kind: 'number', values: numbers, range: rangeOf(known, name) }]
        }
        const texts = values.map((value) => textOf(kind, value))
        return [
          name,
          this.category(name, kind === 'category' ? texts.map((text) => this.fold(name, text)) : texts),
        ]
      }),
    )
  }
}

/** Free text is only there or not. */
const textOf = (kind: string, value: AttributeValues[string] | undefined): string | null => {
  if (value === undefined) return null
  return kind === 'text' ? GIVEN : String(value)
}

const newDay = () => ({
  timesMs: [] as number[],
  isDuplicate: [] as number[],
  isLate: [] as number[],
  users: [] as number[],
  seen: new Set<number>(),
  amounts: [] as number[],
  latitudes: [] as number[],
  longitudes: [] as number[],
  categories: CATEGORIES.map((): (string | null)[] => []),
  ids: IDS.map((): (string | null)[] => []),
  attributes: [] as AttributeValues[],
})

/** What training saw, in the units of the feature. */
const rangeOf = ({ reference }: KnownFields, feature: string): readonly [number, number] => {
  const profile = reference.features[feature]
  return profile?.kind === 'numeric' && profile.count > 0 ? [profile.min, profile.max] : ANYTHING
}

/** In minor units; refunds as large as payments. */
const amountRange = (known: KnownFields): readonly [number, number] => {
  const [, largest] = rangeOf(known, 'amount')
  const most = largest * minorPerUnit(known.amounts.decimals)
  return [-most, most]
}
