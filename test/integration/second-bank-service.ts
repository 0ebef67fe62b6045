import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { writeRequest } from '../../src/transaction/write-request.ts'
import { runVigia } from './vigia-server.ts'

const EXAMPLE = 'examples/second-bank'
const FIRST_DAY_MS = Date.UTC(2018, 3, 1)
export const DAY_MS = 86_400_000
/** When labels become known, as the example's configuration says. */
export const LABEL_DELAY_MS = 7 * DAY_MS

/** A transaction of the second bank, and what became known of it. */
export interface BankTransaction {
  readonly transactionId: string
  readonly userId: string
  readonly merchantId: string
  readonly eventTimeMs: number
  readonly amountMinor: number
  readonly isFraud: boolean
}

/** A model of the second bank's first days with every feature there is, and the days after. */
export interface TrainedBank {
  /** Folder of the run: the model in `package/`, in `states/` the history of the transactions before. */
  readonly run: string
  /** In the order of their time. */
  readonly before: readonly BankTransaction[]
  readonly after: readonly BankTransaction[]
}

const TRAINED_DAYS = 20

/** Trains with `vigia run` in `folder`: what is small about it is the model, not the features. */
export const trainSecondBank = async (folder: string): Promise<TrainedBank> => {
  const rows = readFileSync(join(EXAMPLE, 'second-bank.csv.gz'))
  const [header, ...lines] = gunzipSync(rows).toString().trim().split('\n')
  const trainedUntil = lines.findIndex((line) => secondsOf(line) >= TRAINED_DAYS * 86_400)
  const source = join(folder, 'first-days.csv')
  writeFileSync(source, `${[header, ...lines.slice(0, trainedUntil)].join('\n')}\n`)
  const settings = [
    `source.path=${source}`,
    'features.include=[]',
    'split.dates.train_from=2018-04-06',
    'split.dates.train_to=2018-04-10',
    'split.dates.validation_from=2018-04-12',
    'split.dates.validation_to=2018-04-16',
    'split.dates.test_from=2018-04-16',
    'split.dates.test_to=2018-04-21',
    'split.exclude_known_compromised=false',
    'models.logistic_regression.enabled=false',
    'models.random_forest.enabled=false',
    'models.xgboost.enabled=false',
    'models.gradient_boosting.trees=40',
  ]
  const { status, stdout, stderr } = await runVigia(folder, [
    ...['run', '--config', resolve(EXAMPLE, 'training_config.yaml')],
    ...settings.flatMap((setting) => ['--set', setting]),
  ])
  if (status !== 0) throw new Error(`vigia run failed:\n${stdout}${stderr}`)
  const all = lines.map(transactionOf)
  const isBefore = ({ eventTimeMs }: BankTransaction) => eventTimeMs < FIRST_DAY_MS + TRAINED_DAYS * DAY_MS
  return {
    run: join(folder, 'runs', 'second-bank'),
    before: all.filter(isBefore),
    after: all.filter((transaction) => !isBefore(transaction)),
  }
}

const secondsOf = (line: string): number => Number(line.slice(0, line.indexOf(',')))

/** As the example's mapping reads it. */
const transactionOf = (line: string, index: number): BankTransaction => {
  const [seconds, userId, merchantId, amount, fraud] = line.split(',')
  return {
    transactionId: `SB${String(index + 1).padStart(7, '0')}`,
    userId: userId!,
    merchantId: merchantId!,
    eventTimeMs: FIRST_DAY_MS + Number(seconds) * 1000,
    amountMinor: Math.round(Number(amount) * 100),
    isFraud: fraud === '1',
  }
}

/** The body of POST /predict. */
export const requestOf = ({ isFraud: _, ...transaction }: BankTransaction): string =>
  JSON.stringify(writeRequest(transaction))

/** The day's first moment in `ms` or after it: labels come once a day, before its first transaction. */
export const nextMorning = (ms: number): number => Math.ceil(ms / DAY_MS) * DAY_MS

/** When the bank tells what became of a transaction. */
export const toldAtMs = ({ eventTimeMs }: Pick<BankTransaction, 'eventTimeMs'>): number =>
  nextMorning(eventTimeMs + LABEL_DELAY_MS)

/** A day of the bank: what is told in the morning, then what is bought. */
export interface BankDay {
  readonly labels: readonly BankTransaction[]
  readonly transactions: readonly BankTransaction[]
}

/**
 * The first `count` transactions after training by day, each day with the labels that the bank knows in its
 * morning. Those of the history that were not due then are told only to servers that share their states: all
 * others deliver them by themselves.
 */
export const daysOf = (
  { before, after }: TrainedBank,
  count: number,
  history: 'told' | 'delivered',
): readonly BankDay[] => {
  const sent = after.slice(0, count)
  // Labels that were known before the last transaction of training are in the states.
  const trainedUntilMs = before.at(-1)!.eventTimeMs
  const untold = [...(history === 'told' ? before : []), ...sent].filter(
    ({ eventTimeMs }) => eventTimeMs + LABEL_DELAY_MS > trainedUntilMs,
  )
  const mornings = [...new Set(sent.map(({ eventTimeMs }) => Math.floor(eventTimeMs / DAY_MS) * DAY_MS))]
  return mornings.map((morning, day) => ({
    labels: untold.filter((transaction) => {
      const told = toldAtMs(transaction)
      return told <= morning && (day === 0 || told > mornings[day - 1]!)
    }),
    transactions: sent.filter(({ eventTimeMs }) => Math.floor(eventTimeMs / DAY_MS) * DAY_MS === morning),
  }))
}

/**
 * Bodies of POST /feedback: at most 500 labels each, every tenth told twice; whose it was is said for those
 * from before.
 */
export const labelBodies = (labels: readonly BankTransaction[], bank: TrainedBank): readonly string[] => {
  const trainedUntilMs = bank.before.at(-1)!.eventTimeMs
  const rows = labels.map(({ transactionId, isFraud, eventTimeMs, userId, merchantId }) => ({
    transaction_id: transactionId,
    is_fraud: isFraud,
    ...(eventTimeMs <= trainedUntilMs && {
      user_id: userId,
      merchant_id: merchantId,
      timestamp: eventTimeMs,
    }),
  }))
  const told = rows.flatMap((row, at) => (at % 10 === 0 ? [row, row] : [row]))
  return Array.from({ length: Math.ceil(told.length / 500) }, (_, at) =>
    JSON.stringify({ labels: told.slice(at * 500, (at + 1) * 500) }),
  )
}
