import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'

const python = process.env['PEER_PYTHON']
const folder = mkdtempSync(join(tmpdir(), 'vigia-readers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The file of features is for others too: what they read is what we wrote, to the bit. */
describe.skipIf(python === undefined)('pyarrow and Polars read the features that Vigía writes', () => {
  test('with the same rows, names, order and bits', async () => {
    const features = join(folder, 'features.parquet')
    const config = 'examples/messy-bank/training_config.yaml'
    execFileSync(
      process.execPath,
      [
        'bin/vigia.mjs',
        'features',
        '--config',
        config,
        '--out',
        features,
        '--set',
        `runs.directory=${folder}`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const ours = await checksum(features)
    for (const reader of ['pyarrow', 'polars']) {
      const theirs = execFileSync(python ?? '', ['test/integration/read_features.py', reader, features], {
        encoding: 'utf8',
      })
      expect(JSON.parse(theirs), reader).toEqual(ours)
    }
  })
})

/**
 * Rows, columns, and the exclusive or of the bits of all doubles of each feature in each row order position.
 */
const checksum = (path: string) =>
  withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: folder }, async (connection) => {
    const result = await connection.runAndReadAll(`SELECT * FROM read_parquet('${resolve(path)}')`)
    const names = result.columnNames()
    const columns = result.getColumns()
    const sums = names.slice(6).map((_, f) => {
      const values = Float64Array.from(columns[f + 6] as (number | null)[], (value) => value ?? Number.NaN)
      return checksumOf(values)
    })
    return { rows: result.currentRowCount, names, sums }
  })

/** Position-dependent sum of the bits, modulo 2^32; every NaN counts alike. */
const checksumOf = (values: Float64Array): number => {
  const words = new Uint32Array(2)
  const view = new Float64Array(words.buffer)
  let sum = 0
  values.forEach((value, row) => {
    view[0] = Number.isNaN(value) ? -1 : value
    sum = (sum + (row + 1) * ((words[0]! ^ words[1]!) >>> 0)) % 4294967296
  })
  return sum
}
