import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeFloatOnnx, encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { calibrationInFloats, inFloats } from '../../src/model/onnx/in-floats.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import { modelCaseNames, modelCases } from './model-cases.ts'

const python = process.env['PEER_PYTHON']
const CASES = modelCases(500)
const folder = mkdtempSync(join(tmpdir(), 'vigia-onnx-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/**
 * What our ONNX files say under the real onnxruntime, and in onnx.reference, beside our own scorer. Sums are
 * of doubles in another order, so digits beyond the twelfth may differ; a row on the wrong side of one
 * threshold would differ by far more. Skipped where the Python peers are missing.
 */
describe.skipIf(python === undefined)('onnxruntime gives the probabilities of our scorer', () => {
  beforeAll(() => {
    for (const { name, model, calibration } of CASES)
      for (const [kind, bytes] of [
        ['', encodeOnnx(model, calibration)],
        ['.float', encodeFloatOnnx(model, calibration)!],
      ] as const)
        writeFileSync(join(folder, `${name}${kind}.onnx`), bytes)
    const cases = CASES.map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => Array.from(column, (value) => (Number.isNaN(value) ? null : value))),
    }))
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
    execFileSync(python ?? '', ['test/integration/score_onnx.py', folder], { stdio: 'inherit' })
  })

  test.each(modelCaseNames())('%s', (name) => {
    const { model, calibration, columns } = CASES.find((candidate) => candidate.name === name)!
    const got: number[] = JSON.parse(readFileSync(join(folder, `${name}.scores.json`), 'utf8'))
    const expected = new Float64Array(columns[0]!.length)
    createModelScorer(model, calibration).scoreMany(
      { names: model.featureNames, rowCount: expected.length, columns },
      expected,
    )
    expect(got).toHaveLength(expected.length)
    expected.forEach((probability, row) => {
      expect(Math.abs(got[row]! - probability), `row ${row}`).toBeLessThan(1e-12)
    })
  })

  test.each(modelCaseNames())('in floats too, on rows of floats: %s', (name) => {
    const { model, calibration, columns } = CASES.find((candidate) => candidate.name === name)!
    const got: number[] = JSON.parse(readFileSync(join(folder, `${name}.float.scores.json`), 'utf8'))
    const expected = new Float64Array(columns[0]!.length)
    createModelScorer(inFloats(model)!, calibrationInFloats(calibration)).scoreMany(
      {
        names: model.featureNames,
        rowCount: expected.length,
        columns: columns.map((column) =>
          column.map((value) => Math.fround(Math.min(1e30, Math.max(-1e30, value)))),
        ),
      },
      expected,
    )
    expect(got).toHaveLength(expected.length)
    // Sums of floats, and lines that are steep at places.
    expected.forEach((probability, row) => {
      expect(Math.abs(got[row]! - probability), `row ${row}`).toBeLessThan(2e-5)
    })
  })
})

test.skipIf(python === undefined)('the example of docs/models.md runs', () => {
  const [, example] = /```python\n([\s\S]*?)```/.exec(readFileSync('docs/models.md', 'utf8'))!
  const { model, calibration } = CASES[0]!
  writeFileSync(join(folder, 'model.onnx'), encodeOnnx(model, calibration))
  execFileSync(python ?? '', ['-c', example!], { cwd: folder, stdio: 'inherit' })
})
