import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { generateInto } from './generated.mjs'

/** The generator: a file of transactions from nothing but settings and a seed. */
export const generate = {
  name: 'generate',
  title: 'generator, 1 M transactions to Parquet',
  goal: { text: '' },
  prepare: async ({ smoke }) => ({ rows: smoke ? 20_000 : 1_000_000 }),
  outEnding: '.parquet',
  ours: async () => {
    return async ({ rows, out, cores, folder }) => {
      const { frauds } = await generateInto(out, rows, { cores, folder })
      return { rows, frauds }
    }
  },
  peers: {},
  check: async ({ data, outs, cores, results }) => {
    const again = outs.ours.replace('.parquet', '-again.parquet')
    await generateInto(again, data.rows, { cores, folder: `${outs.ours}.spill` })
    const same = hashOf(outs.ours) === hashOf(again)
    rmSync(again)
    if (!same) throw new Error('two runs with one seed gave different bytes')
    return `${data.rows} rows, ${results.ours.frauds} frauds; the same bytes twice`
  },
}

const hashOf = (path) => createHash('sha256').update(readFileSync(path)).digest('hex')
