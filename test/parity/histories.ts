import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Value } from 'typebox/value'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'
import { GenerateSchema, type GenerateSettings } from '../../src/config/sections/generate.ts'
import type { SourceSettings } from '../../src/config/sections/source.ts'
import type { TrainingSettings } from '../../src/config/training-config.ts'
import { generateDataset } from '../../src/dataset/generate/generate-dataset.ts'
import { type ReadResult, readSource } from '../../src/dataset/read-source.ts'
import { attributeOf } from '../../src/dataset/source-attributes.ts'
import { declareEntities } from '../../src/dataset/source-entities.ts'
import { sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { unwatched, unwatchedWork } from '../../src/disk/work.ts'
import { readFeatureSettings, splitEntities } from '../../src/features/feature-settings.ts'
import { VOCABULARY_FIELDS } from '../../src/features/fitted-features.ts'
import { fitFeaturesOn } from '../../src/replay/fit-features.ts'
import { DEFAULT_AMOUNTS } from '../../src/transaction/amount-rules.ts'
import type { Attribute } from '../../src/transaction/attributes.ts'
import type { Entity } from '../../src/transaction/entities.ts'
import { databaseIn, type History } from './replay-run.ts'

/** The settings of a training configuration with every default; no environment. */
const configuration = (yaml: string, directory: string): TrainingSettings =>
  loadTrainingConfig({
    file: { name: 'training_config.yaml', directory: resolve(directory), text: yaml },
    environment: {},
    assignments: [],
    workingDirectory: resolve('.'),
  }).settings

const read = (folder: string, source: SourceSettings, prepared: string): Promise<ReadResult> =>
  withDatabase(databaseIn(folder), (connection) =>
    readSource(
      connection,
      source,
      { preparedPath: prepared, quarantinePath: `${prepared}.quarantine.jsonl` },
      { workingDirectory: resolve('.'), work: unwatched() },
    ),
  )

const historyOf = async (
  folder: string,
  prepared: string,
  { features, labels }: Pick<TrainingSettings, 'features' | 'labels'>,
  entities: readonly Entity[] = [],
  attributes: readonly Attribute[] = [],
): Promise<History> => {
  const known = { categories: VOCABULARY_FIELDS, attributes, ...splitEntities(entities) }
  const settings = readFeatureSettings(features, labels, DEFAULT_AMOUNTS, known)
  const fitted = await withDatabase(databaseIn(folder), (connection) =>
    fitFeaturesOn(connection, prepared, 'arrival % 2 = 0', settings),
  )
  return { prepared, settings, fitted }
}

/**
 * The second bank, read as its example is: with the 15 features of its configuration, and with every feature
 * there is.
 */
export const secondBank = async (
  folder: string,
): Promise<{ readonly fifteen: History; readonly all: History }> => {
  const directory = 'examples/second-bank'
  const yaml = readFileSync(join(directory, 'training_config.yaml'), 'utf8')
  const settings = configuration(yaml, directory)
  const prepared = join(folder, 'second-bank.parquet')
  await read(folder, settings.source, prepared)
  const everything = { ...settings.features, include: [], exclude: [] }
  return {
    fifteen: await historyOf(folder, prepared, settings),
    all: await historyOf(folder, prepared, { ...settings, features: everything }),
  }
}

/** A generated bank: all columns, all features with the defaults of the configuration. */
export interface GeneratedBank {
  readonly history: History
  readonly read: ReadResult
  /** The file as generated, repetitions included. */
  readonly source: string
}

/** A pair, one that sends and receives, and what users and merchants are seen with. */
const OWN_ENTITIES =
  '{ corner: { id: [location, device_type], distinct: [user], habits: [merchant], windows: [1h, 2d] }, account: { roles: { sender: "right(user_id, 2)", receiver: "right(merchant_id, 2)" }, windows: [2d], habits: [device] }, user: { habits: [corner, account_receiver] }, merchant: { distinct: [corner] } }'

/** Of a field of each type, of the calendar, and of what some transactions lack. */
export const OWN_DERIVED = {
  amount_by_latitude: 'amount / math.abs(latitude)',
  is_early_transfer: 'hour < 7 && transaction_type in ["transfer", "withdrawal"] || weekday == 6',
  seconds_of_minute: '(timestamp - timestamp) + minute_of_day % 60 + (has(device_id) ? 0.5 : 0)',
} as const

/** A number with decimals, sometimes missing, a category, and yes or no. */
const OWN_ATTRIBUTES =
  '{ balance: { kind: number, from: "amount * 7 - latitude" }, shop_kind: { kind: category, from: "nullif(merchant_category, \'travel\')" }, is_far: { kind: boolean, from: "latitude > 40" } }'

/** Of each thing that states keep of an attribute, over entities of both sorts. */
const OWN_AGGREGATES =
  '{ balance_mean: { of: balance, by: user, compute: mean, windows: [1d, 7d] }, balance_sum: { of: balance, by: corner, compute: sum, decimals: 2 }, balance_high: { of: balance, by: merchant, compute: maximum, windows: [2d] }, balance_change: { of: balance, by: user, compute: change }, shop_kinds: { of: shop_kind, by: device, compute: distinct, windows: [7d] }, shop_kind_share: { of: shop_kind, by: user, compute: share, windows: [1h, 30d] }, last_shop_kind: { of: shop_kind, by: user, compute: last }, far_share: { of: is_far, by: merchant, compute: mean, windows: [1d] } }'

/** Generates a bank of that name and reads it in the order of arrival. */
export const generatedBank = async (
  folder: string,
  name: string,
  generate: Partial<GenerateSettings>,
): Promise<GeneratedBank> => {
  const source = join(folder, `${name}-source.parquet`)
  await generateDataset({
    settings: Value.Default(GenerateSchema, { ...generate }) as GenerateSettings,
    seed: 1,
    out: source,
    overwrite: false,
    work: unwatchedWork(databaseIn(folder)),
  })
  const settings = configuration(
    `source: { path: ${JSON.stringify(source)}, order: arrival, attributes: ${OWN_ATTRIBUTES} }\nentities: ${OWN_ENTITIES}\nfeatures: { derived: ${JSON.stringify(OWN_DERIVED)}, aggregates: ${OWN_AGGREGATES} }`,
    '.',
  )
  const declared = declareEntities(settings.entities, settings.source, settings.features)
  const prepared = join(folder, `${name}.parquet`)
  const result = await read(folder, declared.source, prepared)
  const attributes = result.attributes.map(attributeOf)
  const history = await historyOf(folder, prepared, settings, declared.entities, attributes)
  return { history, read: result, source }
}

/**
 * `history` with `labelled_at_ms` set by an SQL expression over the prepared columns; rows and order stay.
 */
export const labelledAt = async (
  folder: string,
  name: string,
  history: History,
  expression: string,
): Promise<History> => {
  const prepared = join(folder, `${name}.parquet`)
  await withDatabase(databaseIn(folder), (connection) =>
    connection.run(
      `COPY (SELECT * REPLACE ((${expression})::BIGINT AS labelled_at_ms) FROM read_parquet(${sqlLiteral(history.prepared)}))
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  return { ...history, prepared }
}

/**
 * When labels become known, as SQL over the prepared columns: what the clock says when one comes is before
 * its transaction's delay is over, long after, in no order at all.
 */
export const LABEL_TIMES = {
  early: 'event_time_ms + 3600000',
  late: 'event_time_ms + 20 * 86400000',
  'out of order': 'event_time_ms + (hash(transaction_id) % 1000) * 3600000',
  'before their transactions': 'event_time_ms - 86400000',
  // To the millisecond: whether that payment already sees it is part of the rule.
  'at the time of a later payment': 'lead(event_time_ms, 800) OVER (ORDER BY arrival)',
  'sometimes given': 'CASE WHEN arrival % 3 = 0 THEN event_time_ms + 5 * 86400000 END',
} as const
