// Scores rows in onnxruntime for Node or for the web: node score.mjs node|web FOLDER, a folder where it is
// installed. cases.json lists {name, width, type}; each has NAME.onnx and NAME.rows, doubles row by row, and
// gets NAME.scores.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [kind, folder] = process.argv.slice(2)
const runtime = createRequire(join(folder, 'package.json'))(`onnxruntime-${kind}`)

for (const { name, width, type } of JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'))) {
  const bytes = readFileSync(join(folder, `${name}.rows`))
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  const rows = type === 'float64' ? doubles : Float32Array.from(doubles)
  const session = await runtime.InferenceSession.create(readFileSync(join(folder, `${name}.onnx`)), {
    executionProviders: [kind === 'node' ? 'cpu' : 'wasm'],
  })
  const features = new runtime.Tensor(type, rows, [rows.length / width, width])
  const { probability } = await session.run({ features }, ['probability'])
  writeFileSync(join(folder, `${name}.scores`), Buffer.from(Float64Array.from(probability.data).buffer))
}
