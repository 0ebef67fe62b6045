import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sql } from '../data.mjs'
import { costOf, costSince, runCommand } from '../serving/processes.mjs'
import { replayLog, startVigia } from '../serving/vigia-server.mjs'
import { servedWorld, VIGIA } from '../serving/world.mjs'

/**
 * A file of transactions scored, features included: the command, and the same rows as one stream of lines to
 * a server, which decides on several at once. Their probabilities may differ: training's last labels come to
 * the command when they are due, to a server by feedback.
 */
export const predictBulk = {
  name: 'predict-bulk',
  title: '80,000 transactions in bulk: `vigia predict` of a file, every feature included, on all cores',
  goal: {
    text: '100,000 transactions/s a core, features included (scikit-learn: ready features, the scoring alone)',
    rowsPerCpuSecond: 100_000,
  },
  prepare: async (environment) => {
    const world = await servedWorld(environment)
    const { smoke, cores } = environment
    // Ready features of as many rows, from the training of the same world.
    const ready = join(world.run, 'features', 'features.parquet')
    const [[rows]] = await sql(cores, `SELECT count(*)::DOUBLE FROM '${ready}'`)
    return { world, ready, scored: Math.min(rows, world.count), trees: smoke ? 20 : 100 }
  },
  outEnding: '.parquet',
  ours:
    async () =>
    async ({ world, out }) => {
      rmSync(out, { force: true })
      const words = [
        'predict',
        world.served,
        '--model',
        world.run,
        '--out',
        out,
        '--ignore-labels',
        '--history',
        'none',
      ]
      return { rows: world.count, ...(await runCommand(process.execPath, [VIGIA, ...words], world.place)) }
    },
  peers: {
    'vigia serve, a stream of lines': {
      run:
        async () =>
        async ({ world, folder, out }) => {
          const server = await startVigia({ world, folder, isPinned: false })
          try {
            const before = costOf(server.processId)
            const started = performance.now()
            const lines = await stream(server.port, readFileSync(world.bodies))
            const seconds = (performance.now() - started) / 1000
            const cost = costSince(before, server.processId)
            await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })
            await server.stop()
            const answered = lines.split('\n').filter((line) => JSON.parse(line).probability >= 0).length
            writeFileSync(out, JSON.stringify({ answered, ...replayLog(server, world) }))
            return { rows: world.count, seconds, ...cost }
          } finally {
            await server.stop('SIGKILL')
            server.remove()
          }
        },
    },
    'scikit-learn, ready features': { python: 'bulk-scikit-learn.py', needs: 'sklearn, pyarrow' },
  },
  check: async ({ data, cores, outs }) => {
    const scored = await sql(
      cores,
      `SELECT transaction_id, probability FROM '${outs.ours}' WHERE probability IS NOT NULL`,
    )
    if (scored.length !== data.world.count)
      throw new Error(`${scored.length} of ${data.world.count} rows have a score`)
    const served = outs.peers['vigia serve, a stream of lines']
    const { answered, rows, values } = JSON.parse(readFileSync(served, 'utf8'))
    if (answered !== data.world.count || rows !== answered)
      throw new Error(`${answered} lines were answered, ${rows} decisions logged`)
    return `${scored.length} rows of the file have a probability; ${values} feature values of the server equal to the replay of its log`
  },
}

/** Sends lines as one request while its answers are read; @returns the lines of the answer. */
const stream = (port, body) =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length }
    const sending = request(
      { host: '127.0.0.1', port, path: '/predict/batch', method: 'POST', headers },
      (response) =>
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer.trimEnd())
          else reject(new Error(`${response.statusCode}: ${answer.slice(0, 500)}`))
        }, reject),
    )
    sending.on('error', reject)
    sending.end(body)
  })
