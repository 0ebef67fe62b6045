import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { built, sql } from '../data.mjs'

/**
 * Scores the logged features of a server's Parquet files again, offline, and compares each with the
 * probability that was logged, bit for bit. @returns probabilities by transaction
 */
export const scoreArchive = async ({ log, run, cores }) => {
  const { readArtifact } = await built('artifacts/artifact-folder.js')
  const { createScorer } = await built('model/scorer.js')
  const scorer = createScorer(await readArtifact(join(run, 'package')))
  const names = scorer.featureNames
  const columns = names.map((name) => `"${name}"::DOUBLE`).join(', ')
  const rows = await sql(
    cores,
    `SELECT transaction_id, probability, ${columns} FROM read_parquet('${log}/predictions/**/*.parquet', union_by_name = true)`,
  )
  const vector = new Float64Array(names.length)
  const byTransaction = new Map()
  for (const [id, probability, ...values] of rows) {
    for (let f = 0; f < names.length; f++) vector[f] = values[f] ?? Number.NaN
    const offline = scorer.scoreOne(vector).probability ?? scorer.scoreOne(vector)
    if (!Object.is(offline, probability))
      throw new Error(`${id} was answered ${probability}; offline it is ${offline}`)
    byTransaction.set(id, probability)
  }
  return byTransaction
}

/** Answers of a load, in the order in which they were sent. */
export const readAnswers = (path) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
