import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { encodeMlflowModel } from '../../src/model/mlflow/mlflow-model.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import { decideFirst, TRANSACTIONS } from '../integration/clients-of-others.ts'
import { modelCases } from '../integration/model-cases.ts'
import { trainSmallModel } from '../integration/small-service.ts'
import { killVigiaServers, startVigiaServer } from '../integration/vigia-server.ts'
import { artifactOf, exampleOf } from '../laws/mlflow-model.ts'

/*
 * Programs of Python that install much: Spark, and the client of MLServer. Each in an environment of its own,
 * made here. `test/integration/` asks the clients of Triton, KServe and MLflow.
 */

const PYTHON = 'python3.12'
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0

const folder = has(PYTHON) ? mkdtempSync(join(tmpdir(), 'vigia-long-clients-')) : ''
afterAll(() => folder !== '' && rmSync(folder, { recursive: true, force: true }))

/** An environment with these packages. @returns the folder of its programs */
const install = (name: string, packages: readonly string[]): string => {
  const programs = join(folder, name, 'bin')
  execFileSync(PYTHON, ['-m', 'venv', join(folder, name)])
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
  execFileSync(join(programs, 'python'), pip, { stdio: 'inherit' })
  return programs
}

const missing = !has(PYTHON) ? PYTHON : !has('java') ? 'java' : undefined

describe.skipIf(missing !== undefined)(`spark_udf${missing === undefined ? '' : ` (no ${missing})`}`, () => {
  test('of a model folder gives our probabilities', () => {
    const programs = install('spark', [
      'mlflow==3.17.2',
      'onnxruntime==1.32.0',
      'onnx==1.23.2',
      'pyspark==4.3.0',
    ])
    const each = modelCases(2000).find(({ name }) => name.startsWith('gradient boosting'))!
    for (const [path, bytes] of encodeMlflowModel(artifactOf(each), exampleOf(each))) {
      mkdirSync(dirname(join(folder, 'model', path)), { recursive: true })
      writeFileSync(join(folder, 'model', path), bytes)
    }
    const { model, calibration, columns } = each
    const rowCount = columns[0]!.length
    const rows = Array.from({ length: rowCount }, (_, row) =>
      [row, ...columns.map((column) => (Number.isNaN(column[row]!) ? '' : column[row]))].join(),
    )
    writeFileSync(join(folder, 'rows.csv'), `${['row', ...model.featureNames].join()}\n${rows.join('\n')}`)
    const words = ['model', 'rows.csv', 'scores.json'].map((name) => join(folder, name))
    execFileSync(join(programs, 'python'), ['test/long/other-clients/score_in_spark.py', ...words], {
      stdio: 'inherit',
      env: { ...process.env, PYSPARK_PYTHON: join(programs, 'python') },
    })
    const got: number[] = JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8'))
    const expected = new Float64Array(rowCount)
    createModelScorer(model, calibration).scoreMany(
      { names: model.featureNames, rowCount, columns },
      expected,
    )
    expect(got).toHaveLength(rowCount)
    for (const [row, probability] of expected.entries())
      expect(Math.abs(got[row]! - probability), `row ${row}`).toBeLessThan(1e-12)
  }, 900_000)
})

describe.skipIf(!has(PYTHON))(`SageMaker's serializers${has(PYTHON) ? '' : ` (no ${PYTHON})`}`, () => {
  afterEach(killVigiaServers)

  test('write what is decided on as by POST /predict, or refused for want of a header', async () => {
    const programs = install('sagemaker', ['sagemaker==2.257.7'])
    const server = await startVigiaServer(folder, [`model.source=${await trainSmallModel()}`])
    const { decisions, asked } = await decideFirst(server.port)
    const program = 'test/long/other-clients/ask_as_sagemaker.py'
    const out = execFileSync(join(programs, 'python'), [program], { input: JSON.stringify(asked) }).toString()
    const probabilities = decisions.map(({ probability }) => probability)
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toEqual({
      JSONSerializer: probabilities,
      JSONLinesSerializer: probabilities,
      CSVSerializer: [400, expect.stringContaining('the header is missing')],
    })
    await server.stop()
  }, 600_000)
})

describe.skipIf(!has(PYTHON))(`mlserver infer${has(PYTHON) ? '' : ` (no ${PYTHON})`}`, () => {
  afterEach(killVigiaServers)

  test('gets what POST /predict says', async () => {
    const programs = install('mlserver', ['mlserver==1.7.1'])
    const server = await startVigiaServer(folder, [`model.source=${await trainSmallModel()}`])
    const { decisions, asked } = await decideFirst(server.port)
    const request = (transaction: object) => ({
      inputs: [{ name: 'transaction', shape: [1], datatype: 'BYTES', data: [JSON.stringify(transaction)] }],
    })
    writeFileSync(
      join(folder, 'asked.jsonl'),
      TRANSACTIONS.map((row) => JSON.stringify(request(row))).join('\n'),
    )
    execFileSync(
      join(programs, 'mlserver'),
      [
        ...['infer', '--url', `127.0.0.1:${server.port}`, '--model-name', asked.model],
        ...['--input-data-path', join(folder, 'asked.jsonl')],
        ...['--output-data-path', join(folder, 'answered.jsonl')],
      ],
      { stdio: 'inherit' },
    )
    const answers = readFileSync(join(folder, 'answered.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { outputs: { name: string; data: number[] }[] })
    const got = answers.map(({ outputs }) => outputs.find(({ name }) => name === 'probability')!.data[0])
    // Its workers answer in an order of their own.
    expect(got.toSorted()).toEqual(decisions.map(({ probability }) => probability).toSorted())
  }, 600_000)
})
