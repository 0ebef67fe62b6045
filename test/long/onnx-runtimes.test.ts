import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeFloatOnnx, encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { calibrationInFloats, inFloats } from '../../src/model/onnx/in-floats.ts'
import { createModelScorer, type ModelScorer } from '../../src/model/scorer.ts'
import { modelCaseNames, modelCases } from '../integration/model-cases.ts'

/*
 * What both ONNX files say in onnxruntime for Node, for the web (WebAssembly) and for Java, beside our own
 * scorer: every kind of model and calibration. Installs them. `test/integration/onnx.test.ts` asks
 * onnxruntime in Python.
 */

const CASES = modelCases(500)
const SCRIPTS = resolve('test/long/onnx-runtimes')
const JAR = 'com.microsoft.onnxruntime:onnxruntime:1.29.0'

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const HAS_JAVA = has('javac') && has('mvn')

interface Runtime {
  readonly title: string
  /** Why it cannot be asked here. */
  readonly missing?: string
  readonly install: (folder: string) => void
  readonly score: (folder: string, cases: readonly Written[]) => void
}

interface Written {
  readonly name: string
  /** Features of a row. */
  readonly width: number
  readonly type: 'float64' | 'float32'
}

const npm = (kind: 'node' | 'web'): Runtime => ({
  title: `for ${kind === 'node' ? 'Node' : 'the web'}`,
  install: (folder) => {
    writeFileSync(join(folder, 'package.json'), '{"private": true}')
    const words = ['install', '--silent', '--ignore-scripts', '--no-audit', `onnxruntime-${kind}@1.30.0`]
    execFileSync('npm', words, { cwd: folder, stdio: 'inherit' })
  },
  score: (folder) =>
    void execFileSync(process.execPath, [join(SCRIPTS, 'score.mjs'), kind, folder], { stdio: 'inherit' }),
})

const RUNTIMES: readonly Runtime[] = [
  npm('node'),
  npm('web'),
  {
    title: 'for Java',
    ...(!HAS_JAVA && { missing: 'javac or mvn is not in PATH' }),
    install: (folder) =>
      void execFileSync(
        'mvn',
        ['--batch-mode', '--quiet', 'dependency:copy', `-Dartifact=${JAR}`, `-DoutputDirectory=${folder}`],
        { stdio: 'inherit', cwd: folder },
      ),
    score: (folder, cases) =>
      void execFileSync(
        'java',
        [
          ...['-cp', join(folder, 'onnxruntime-1.29.0.jar'), join(SCRIPTS, 'Score.java'), folder],
          ...cases.flatMap(({ name, width, type }) => [name, String(width), type]),
        ],
        { stdio: 'inherit' },
      ),
  },
]

describe.each(RUNTIMES)('onnxruntime $title', ({ missing, install, score }) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-onnx-runtimes-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  beforeAll(() => {
    if (missing !== undefined) return
    const cases = CASES.flatMap(({ name, model, calibration, columns }): readonly Written[] => {
      const width = columns.length
      const write = (kind: string, file: Uint8Array, limit: number): string => {
        writeFileSync(join(folder, `${name}${kind}.onnx`), file)
        writeFileSync(join(folder, `${name}${kind}.rows`), rowsOf(columns, limit))
        return `${name}${kind}`
      }
      return [
        { name: write('', encodeOnnx(model, calibration), Infinity), width, type: 'float64' },
        { name: write('.float', encodeFloatOnnx(model, calibration)!, 1e30), width, type: 'float32' },
      ]
    })
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
    install(folder)
    score(folder, cases)
  }, 600_000)

  test.skipIf(missing !== undefined).each(modelCaseNames())(
    `gives the probabilities of our scorer: %s${missing === undefined ? '' : ` (skipped: ${missing})`}`,
    (name) => {
      const { model, calibration, columns } = CASES.find((candidate) => candidate.name === name)!
      expect(furthest(folder, name, createModelScorer(model, calibration), columns)).toBeLessThan(1e-12)
      const floats = createModelScorer(inFloats(model)!, calibrationInFloats(calibration))
      const rounded = columns.map((column) =>
        column.map((value) => Math.fround(Math.min(1e30, Math.max(-1e30, value)))),
      )
      // Sums of floats, and lines that are steep at places.
      expect(furthest(folder, `${name}.float`, floats, rounded)).toBeLessThan(2e-5)
    },
  )
})

/** The doubles of all rows, one row after the other; none beyond the limit, NaN where one is missing. */
const rowsOf = (columns: readonly Float64Array[], limit: number): Buffer => {
  const rows = new Float64Array(columns.length * columns[0]!.length)
  for (const [at, column] of columns.entries())
    for (const [row, value] of column.entries())
      rows[row * columns.length + at] = Math.min(limit, Math.max(-limit, value))
  return Buffer.from(rows.buffer)
}

/** By how much a probability of the file differs from ours at most. */
const furthest = (
  folder: string,
  name: string,
  scorer: ModelScorer,
  columns: readonly Float64Array[],
): number => {
  const bytes = readFileSync(join(folder, `${name}.scores`))
  const got = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  const expected = new Float64Array(columns[0]!.length)
  scorer.scoreMany({ names: scorer.featureNames, rowCount: expected.length, columns }, expected)
  expect(got).toHaveLength(expected.length)
  return expected.reduce((worst, probability, row) => Math.max(worst, Math.abs(got[row]! - probability)), 0)
}
