import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/foundation/hash.ts'
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
 * A small model of invented transactions. It is trained once in a run of tests, in the run's own temporary
 * folder, and read by every server that serves it.
 *
 * @param settings further assignments: `project.seed=7` gives another bank and another model
 * @returns folder of the run, for `model.source`
 */
export const trainSmallModel = async (settings: readonly string[] = []): Promise<string> => {
  const all = [...SMALL, ...settings]
  const trained = join(tmpdir(), `small-model-${sha256(all.join(' ')).slice(0, 16)}`)
  if (!existsSync(trained)) {
    const folder = mkdtempSync(`${trained}-`)
    await train(folder, all)
    try {
      renameSync(folder, trained)
    } catch {
      // Another file's tests were faster, with the same model.
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return join(trained, 'runs', 'vigia')
}

const train = async (folder: string, settings: readonly string[]): Promise<void> => {
  const words = settings.flatMap((setting) => ['--set', setting])
  for (const command of [
    ['generate', '--out', 'bank.parquet'],
    ['run', '--set', 'source.path=bank.parquet'],
  ]) {
    const { status, stdout, stderr } = await runVigia(folder, [...command, ...words])
    if (status !== 0) throw new Error(`vigia ${command[0]} failed:\n${stdout}${stderr}`)
  }
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
