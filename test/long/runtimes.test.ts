import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { installed, node, type Runtime } from './runtime.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

const RUNTIMES: readonly Runtime[] = [
  node('20.20.2'),
  node('22.23.5'),
  node('24.22.3'),
  node('26.12.1'),
  {
    name: 'Deno 2.9.6',
    packageName: `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`,
    version: '2.9.6',
    program: process.platform === 'win32' ? 'deno.exe' : 'deno',
    words: ['run', '--allow-all', '--no-lock'],
  },
]

/** A bank invented by the runtime itself, with missing values, and expressions that need `log` and `pow`. */
const CONFIGURATION = `
source: { path: generated }
generate: { rows: 20000, users: 400, merchants: 120, days: 60, fraud_rate: 0.03 }
features:
  derived:
    steep_amount: 'pow(amount, 1.37) / (1.0 + log(amount + 2.5))'
models:
  random_forest: { trees: 20 }
  gradient_boosting: { trees: 30 }
  xgboost: { enabled: false }
tracking: { enabled: false }
resources: { threads: 1 }
`

/** Features, states, scores and every file of the model. */
const FILES = [
  'generate/transactions.parquet',
  'features/features.parquet',
  'features/fitted.json',
  'states/user.states',
  'states/merchant.states',
  'states/device.states',
  'states/pending.labels',
  'select/selection.json',
  'evaluate/evaluation.json',
  'package/model.json',
  'package/model.onnx',
  'package/model-float32.onnx',
  'package/days.bin',
  'package/reference.json',
  'package/manifest.json',
  'package/checksums.json',
  'score/predictions.parquet',
]

type Products = Readonly<Record<string, string>>

let folder: string
let own: Products
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-runtimes-'))
  writeFileSync(join(folder, 'training.yaml'), CONFIGURATION)
  own = await productsUnder('own', process.execPath, [])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

for (const runtime of RUNTIMES) {
  it(`${runtime.name} computes the same bytes as this Node: features, states, scores, model`, async ({
    skip,
  }) => {
    const program = await installed(runtime, folder, skip)
    expect(await productsUnder(runtime.packageName + runtime.version, program, runtime.words)).toEqual(own)
  })
}

it('this Node without its optimising compiler computes the same bytes', async () => {
  expect(await productsUnder('interpreted', process.execPath, ['--max-optimized-bytecode-size=0'])).toEqual(
    own,
  )
})

const productsUnder = async (name: string, program: string, words: readonly string[]): Promise<Products> => {
  const out = join(folder, 'runs', name)
  mkdirSync(dirname(out), { recursive: true })
  const line = ['bin/vigia.mjs', 'run', '--config', join(folder, 'training.yaml'), '--out', out]
  // A cache of Deno's own, which goes with the folder.
  const env = { ...process.env, DENO_DIR: join(folder, 'deno'), DENO_NO_UPDATE_CHECK: '1' }
  await run(program, [...words, ...line], { cwd: ROOT, env, maxBuffer: 2 ** 26 })
  return Object.fromEntries(FILES.map((file) => [file, sha256(readFileSync(join(out, file)))]))
}
