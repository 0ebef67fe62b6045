import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, type Recorded, readRecorded } from '../../src/learning/imported/recorded-files.test-kit.ts'
import { SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

/** What the columns of the recorded files are here. */
const FEATURES = ['amount', 'hour', 'merchant_category_code', 'user_tx_count_1h']
const NAMES = ['amount', 'seconds', 'channel', 'balance']

/** A few rows say nothing of where values lie. */
const TIMES = 6

describe('vigia models import of files of four libraries', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  beforeAll(async () => {
    const { status, stderr } = await vigiaIn(work, ['run', '--out', at('run'), ...SMALL_BANK])
    expect([status, stderr]).toEqual([0, ''])
    writeFileSync(at('names.json'), JSON.stringify(FEATURES))
  })
  afterAll(remove)

  it.each([
    ['xgboost-3.4.1', 'plain', 'XGBoost 3.4.1, binary:logistic', []],
    ['xgboost-1.6.2', 'dart', 'XGBoost 1.6.2, binary:logistic', []],
    ['lightgbm-4.7.0', 'zero is missing', 'LightGBM (v4), binary sigmoid:1', []],
    ['lightgbm-2.3.1', 'plain (JSON)', 'LightGBM (v3), binary sigmoid:1', []],
    ['catboost-1.2.10', 'by depth', 'CatBoost 1.2.10, Logloss', []],
    ['onnx-1.20.0', 'forest', 'ONNX (skl2onnx 1.20.0), TreeEnsembleClassifier, NONE', []],
    ['onnx-1.20.0', 'texts as labels', 'ONNX (skl2onnx 1.20.0)', ['--positive-class', 'fraud']],
  ])('scores as recorded, explains, and goes out as ONNX: %s, %s', async (golden, name, told, asked) => {
    const recorded = readRecorded(`test/golden/${golden}.json.gz`).cases.find((one) => one.name === name)!
    writeFileSync(at('model'), bytesOf(recorded))
    writeFileSync(at('rows.csv'), rowsOf(recorded, asked.length > 0))
    const out = at(`${golden} ${name}`)
    const imported = await vigiaIn(work, [
      ...['models', 'import', at('model'), '--run', at('run'), '--out', out],
      ...['--features', at('names.json'), '--check', at('rows.csv'), ...asked],
    ])
    expect([imported.status, imported.stderr]).toEqual([0, ''])
    expect(imported.stdout).toContain(told)
    expect(imported.stdout).toContain(`checked      ${TIMES * recorded.rows.length} rows score as they did`)
    // Seconds are no hour, and equal scores do not show it.
    expect(imported.stdout).toMatch(
      /unlike {7}hour has a median of \S+ in the rows of --check and of \d+ in the run/,
    )
    const scored = await vigiaIn(work, [
      ...['predict', at('run/generate/transactions.parquet'), '--model', out, '--reasons', '2'],
      ...['--out', at('scores.parquet'), '--force', ...SMALL_BANK],
    ])
    expect([scored.status, scored.stderr]).toEqual([0, ''])
  })
})

/** Of the second label, as Python gives them; of the first where that is fraud. */
const rowsOf = ({ rows, probabilities }: Recorded, isFirst: boolean): string =>
  [
    [...NAMES, 'score'].join(),
    ...Array.from({ length: TIMES }, () => rows).flatMap((each) =>
      each.map((row, at) => {
        const probability = probabilities![at]!
        return [...row.map((value) => value ?? ''), isFirst ? 1 - probability : probability].join()
      }),
    ),
  ].join('\n')
