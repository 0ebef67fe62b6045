import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { readForeignModel } from '../../src/learning/imported/read-foreign-model.ts'
import {
  bytesOf,
  convertRecorded,
  furthestFrom,
  readRecorded,
} from '../../src/learning/imported/recorded-files.test-kit.ts'

/*
 * The files of test/golden made anew: every version of each library is installed, writes its files with
 * test/reference, and scores them after reloading them. Needs python3.11 and python3.12, and the network.
 */

const OLD = ['numpy==1.26.4', 'pandas==2.1.4']
const MIDDLE = ['numpy==2.4.6', 'pandas==2.3.3']
const NEW = ['numpy==2.5.5', 'pandas==3.1.1', 'scikit-learn==1.9.1']
const CONVERTERS = ['xgboost==3.4.1', 'lightgbm==4.7.0', 'catboost==1.2.10', 'onnxmltools==1.16.0']

/** Of a library: its version, and the Python and the packages that go with it. */
type Version = readonly [library: string, version: string, python: string, packages: readonly string[]]

const VERSIONS: readonly Version[] = [
  ['xgboost', '1.6.2', 'python3.11', ['numpy==1.26.4', 'pandas==1.5.3', 'scikit-learn==1.3.2']],
  ['xgboost', '1.7.6', 'python3.11', [...OLD, 'scikit-learn==1.5.2']],
  ['xgboost', '2.0.3', 'python3.11', [...OLD, 'scikit-learn==1.5.2']],
  ['xgboost', '3.0.5', 'python3.11', [...MIDDLE, 'scikit-learn==1.6.1']],
  ['xgboost', '3.1.3', 'python3.11', [...MIDDLE, 'scikit-learn==1.7.2']],
  ['xgboost', '3.2.0', 'python3.11', [...MIDDLE, 'scikit-learn==1.7.2']],
  ['xgboost', '3.3.0', 'python3.12', NEW],
  ['xgboost', '3.4.1', 'python3.12', NEW],
  ['lightgbm', '2.3.1', 'python3.11', [...OLD, 'scikit-learn==1.2.2']],
  ['lightgbm', '3.3.5', 'python3.11', [...OLD, 'scikit-learn==1.2.2']],
  ['lightgbm', '4.7.0', 'python3.12', NEW],
  ['catboost', '1.2', 'python3.11', OLD],
  ['catboost', '1.2.10', 'python3.12', NEW],
  ['skl2onnx', '1.20.0', 'python3.12', [...NEW, ...CONVERTERS, 'onnx==1.23.2', 'onnxruntime==1.32.0']],
]

/** What writes the files, and how far probabilities may be from theirs. */
const SCRIPTS: Readonly<Record<string, readonly [script: string, furthest: number]>> = {
  xgboost: ['xgboost-versions.py', 1e-6],
  lightgbm: ['lightgbm-versions.py', 1e-9],
  catboost: ['catboost-versions.py', 1e-9],
  skl2onnx: ['onnx-trees.py', 1e-6],
}

const hasPython = (python: string): boolean => spawnSync(python, ['--version']).status === 0

describe('model files that each version of a library writes now', () => {
  let folder: string | undefined
  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  for (const [library, version, python, packages] of VERSIONS)
    test.skipIf(!hasPython(python))(
      `score as ${library} ${version} scores them, or are refused (needs ${python})`,
      () => {
        folder = mkdtempSync(join(tmpdir(), 'vigia-model-files-'))
        execFileSync(python, ['-m', 'venv', join(folder, 'venv')])
        const own = join(folder, 'venv/bin/python')
        const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
        execFileSync(own, [...pip, `${library}==${version}`, ...packages], { stdio: 'inherit' })
        const [script, furthest] = SCRIPTS[library]!
        const path = join(folder, 'files.json.gz')
        execFileSync(own, [`test/reference/${script}`, path], { stdio: 'inherit' })
        const { cases } = readRecorded(existsSync(path) ? path : 'nothing was written')
        const scored = cases.filter(({ probabilities }) => probabilities !== undefined)
        expect(scored.length).toBeGreaterThan(15)
        const differing = scored.filter((recorded) => {
          const model = convertRecorded(recorded, readForeignModel(bytesOf(recorded)))
          return !(furthestFrom(recorded, model, recorded.probabilities!) < furthest)
        })
        expect(differing.map(({ name }) => name)).toEqual([])
        const refused = cases.filter(({ name }) => name.startsWith('refused: '))
        expect(refused.length).toBeGreaterThan(5)
        for (const recorded of refused)
          expect(() => convertRecorded(recorded, readForeignModel(bytesOf(recorded))), recorded.name).toThrow(
            expect.objectContaining({ code: 'LEARNING_IMPORT_REFUSED' }),
          )
      },
      20 * 60_000,
    )
})
