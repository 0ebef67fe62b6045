import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runVigia } from './vigia-server.ts'

/**
 * Settings of `vigia generate` and `vigia run` that give a model in a few seconds: what is small about it is
 * the training, not the features.
 */
const SMALL = [
  'generate.rows=12000',
  'generate.users=300',
  'generate.merchants=60',
  'models.logistic_regression.enabled=false',
  'models.random_forest.enabled=false',
  'models.xgboost.enabled=false',
  'models.gradient_boosting.trees=20',
]

/**
 * Trains a small model on invented transactions in `folder`, which is made.
 *
 * @param settings further assignments: `project.seed=7` gives another bank and another model
 * @returns folder of the run, for `model.source`
 */
export const trainSmallModel = async (folder: string, settings: readonly string[] = []): Promise<string> => {
  mkdirSync(folder, { recursive: true })
  const words = [...SMALL, ...settings].flatMap((setting) => ['--set', setting])
  for (const command of [
    ['generate', '--out', 'bank.parquet'],
    ['run', '--set', 'source.path=bank.parquet'],
  ]) {
    const { status, stdout, stderr } = await runVigia(folder, [...command, ...words])
    if (status !== 0) throw new Error(`vigia ${command[0]} failed:\n${stdout}${stderr}`)
  }
  return join(folder, 'runs', 'vigia')
}

/** A valid transaction of one of a hundred users; the same for the same number. */
export const smallTransaction = (n: number) => ({
  transaction_id: `small-${n}`,
  user_id: `U${String(Math.abs(n) % 100).padStart(7, '0')}`,
  timestamp: new Date(Date.UTC(2026, 0, 1) + n * 7_000).toISOString(),
  amount: (100 + ((Math.abs(n) * 7919) % 50_000)) / 100,
  currency: 'EUR',
  merchant_id: `M${Math.abs(n) % 37}`,
  merchant_category: ['grocery', 'travel', 'electronics'][Math.abs(n) % 3],
  transaction_type: n % 2 === 0 ? 'online' : 'pos',
  device_id: `D${Math.abs(n) % 211}`,
})
