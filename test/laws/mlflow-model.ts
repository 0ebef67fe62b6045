import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentsOf } from '../../src/model/artifact.test-kit.ts'
import { encodeArtifact } from '../../src/model/artifact.ts'
import { encodeMlflowModel } from '../../src/model/mlflow/mlflow-model.ts'
import { encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { profileNumbers } from '../../src/model/reference-profile.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import { type ModelCase, modelCaseNames, modelCases } from '../integration/model-cases.ts'

/** Kinds of models and calibrations that stand for all; the ONNX tests have every pair. */
const NAMES = modelCaseNames().filter((_, i) => i % 4 === 0)

/**
 * Law: a model folder opens in MLflow. What Python's MLflow says of it, beside our own scorer, on `rows` rows
 * each: `mlflow.pyfunc.load_model(...).predict(frame)` and the ONNX flavor. Skipped where MLflow is missing.
 */
export const modelsOpenInMlflow = ({ rows }: { readonly rows: number }): void => {
  const python = process.env['MLFLOW_PYTHON']
  const folder = mkdtempSync(join(tmpdir(), 'vigia-mlflow-model-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.skipIf(python === undefined)('a model folder opens in MLflow', () => {
    const cases = new Map<string, ModelCase>()
    beforeAll(() => {
      for (const each of modelCases(rows)) if (NAMES.includes(each.name)) cases.set(each.name, each)
      for (const each of cases.values()) {
        for (const [path, bytes] of encodeMlflowModel(artifactOf(each), exampleOf(each))) {
          mkdirSync(dirname(join(folder, each.name, path)), { recursive: true })
          writeFileSync(join(folder, each.name, path), bytes)
        }
        writeFileSync(join(folder, `${each.name}.csv`), csvOf(each))
      }
      // MLflow takes seconds for it.
      const isEvaluated = (name: string): boolean => name === NAMES[2]
      const listed = NAMES.map((name) => ({
        name,
        rows: `${name}.csv`,
        uri: join(folder, name),
        evaluated: isEvaluated(name),
      }))
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(listed))
      execFileSync(python ?? '', ['test/integration/score_pyfunc.py', folder], { stdio: 'inherit' })
    })

    test.each(NAMES)('and gives our probabilities: %s', (name) => {
      const { model, calibration, columns } = cases.get(name)!
      const rowCount = columns[0]!.length
      const expected = new Float64Array(rowCount)
      createModelScorer(model, calibration).scoreMany(
        { names: model.featureNames, rowCount, columns },
        expected,
      )
      for (const way of ['pyfunc', 'onnx']) {
        const got: number[] = JSON.parse(readFileSync(join(folder, `${name}.${way}.json`), 'utf8'))
        expect(got.length).toBe(rowCount)
        expect(rowCount).toBeGreaterThanOrEqual(rows)
        const largest = expected.reduce((most, value, row) => Math.max(most, Math.abs(value - got[row]!)), 0)
        expect(largest, way).toBeLessThan(1e-12)
      }
    })
  })
}

export const artifactOf = ({ model, calibration }: ModelCase) => {
  const contents = contentsOf(model)
  return encodeArtifact({
    ...contents,
    manifest: { ...contents.manifest, calibration },
    categorical: ['feature_3'],
    onnx: encodeOnnx(model, calibration),
    reference: {
      ...contents.reference,
      features: Object.fromEntries(
        model.featureNames.map((name) => [name, profileNumbers(Float64Array.of(1, 2, 3))]),
      ),
    },
  })
}

export const exampleOf = ({ columns }: ModelCase): number[][] =>
  [0, 1, 2].map((row) => columns.map((column) => column[row]!))

/** Columns from the last to the first: the signature says which is which. */
const csvOf = ({ model, columns }: ModelCase): string => {
  const order = model.featureNames.map((_, f) => f).reverse()
  const lines = [order.map((f) => model.featureNames[f]).join()]
  for (let row = 0; row < columns[0]!.length; row++)
    lines.push(order.map((f) => (Number.isNaN(columns[f]![row]!) ? '' : String(columns[f]![row]))).join())
  return `${lines.join('\n')}\n`
}
