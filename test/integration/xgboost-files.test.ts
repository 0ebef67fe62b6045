import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  bytesOf,
  convertRecorded,
  furthestFrom,
  readRecorded,
} from '../../src/learning/imported/recorded-files.test-kit.ts'
import { readXgboostModel } from '../../src/learning/xgboost/import-model.ts'

/** The Python to ask: XGBOOST_PYTHON_UNDER_TEST may name one with another version of XGBoost, and pandas. */
const python = process.env['XGBOOST_PYTHON_UNDER_TEST'] ?? process.env['PEER_PYTHON']
const folder = mkdtempSync(join(tmpdir(), 'vigia-xgboost-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The files of test/golden, made anew by the XGBoost at hand. Skipped where the Python peers are missing. */
describe.skipIf(python === undefined)('files that XGBoost writes now', () => {
  test('score as Python scores them after reloading them, or are refused', () => {
    const path = join(folder, 'files.json.gz')
    execFileSync(python!, ['test/reference/xgboost-versions.py', path], { stdio: 'inherit' })
    const { cases } = readRecorded(path)
    const differing = cases.filter((recorded) => {
      if (recorded.probabilities === undefined) return false
      const model = convertRecorded(recorded, readXgboostModel(bytesOf(recorded)))
      return !(furthestFrom(recorded, model, recorded.probabilities) < 1e-6)
    })
    expect(differing.map(({ name }) => name)).toEqual([])
    const refused = cases.filter(({ name }) => name.startsWith('refused: '))
    expect(refused.length).toBeGreaterThan(8)
    for (const recorded of refused)
      expect(() => readXgboostModel(bytesOf(recorded)), recorded.name).toThrow(/The model file is refused/)
  })
})
