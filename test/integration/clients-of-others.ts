import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { expect } from 'vitest'
import { smallTransaction } from './small-service.ts'

/** Python with the clients of Triton, KServe and MLflow; undefined without it. */
export const MLFLOW_PYTHON = process.env['MLFLOW_PYTHON']
export const CLIENTS =
  MLFLOW_PYTHON ??
  process.env['MLFLOW_PYTHON_MISSING'] ??
  'no clients were looked for (npm run test:integration does)'

/** Some with values that are missing: a latitude, a category. */
export const TRANSACTIONS = Array.from({ length: 6 }, (_, n) => ({
  ...smallTransaction(n),
  latitude: n % 2 === 0 ? null : 40.4168,
  ...(n % 3 === 0 && { merchant_category: null }),
}))

export interface Decision {
  readonly probability: number
  readonly risk_level: string
  readonly model: { readonly name: string; readonly version: string }
}

/** Decides on `TRANSACTIONS` by POST /predict, and gives what clients are then to ask about. */
export const decideFirst = async (port: number, key = '') => {
  const ask = async (path: string, body?: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { 'content-type': 'application/json', ...(key !== '' && { 'x-api-key': key }) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    })
    expect([path, answer.status]).toEqual([path, 200])
    return answer.json()
  }
  const decisions: Decision[] = []
  for (const transaction of TRANSACTIONS) decisions.push((await ask('/predict', transaction)) as Decision)
  const { name: model, version } = decisions[0]!.model
  const { inputs } = (await ask(`/v2/models/${model}`)) as {
    readonly inputs: readonly {
      readonly name: string
      readonly parameters: { readonly feature_names: string[] }
    }[]
  }
  const { feature_names } = inputs.find((input) => input.name === 'features')!.parameters
  const features = await Promise.all(
    TRANSACTIONS.map(async ({ transaction_id }) => {
      const logged = (await ask(`/predictions/${transaction_id}`)) as {
        readonly features: Readonly<Record<string, number | null>>
      }
      return feature_names.map((feature) => logged.features[feature])
    }),
  )
  return { decisions, asked: { port, model, version, key, transactions: TRANSACTIONS, features } }
}

/** What a program of this folder prints last, given `asked`: one line of JSON. */
export const askInPython = (program: string, words: readonly string[], asked: object) =>
  new Promise<Readonly<Record<string, unknown>>>((done, fail) => {
    const python = execFile(
      MLFLOW_PYTHON ?? '',
      [resolve('test/integration', program), ...words],
      { maxBuffer: 1 << 26, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
      (error, stdout, stderr) =>
        error === null
          ? done(JSON.parse(stdout.split('\n').at(-2) ?? ''))
          : fail(new Error(`${stdout}${stderr}`)),
    )
    python.stdin?.end(JSON.stringify(asked))
  })
