#!/usr/bin/env node
// npm run soak -- [--minutes <n>] [--rate <per second>] [--out <file.json>]: a server under a steady load for
// a long time. Its memory must not grow: of the samples of each fifth of the time the least counts, since
// garbage comes and goes, and the last fifth may have 5 % and 10 MB more than the second (in the first,
// states and compiled code come into memory). What the kernel maps of the state store's file is told beside
// it: that is a cache, which the kernel takes back.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './data.mjs'
import { costOf, descriptorsOf, runLoad } from './serving/processes.mjs'
import { replayLog, startVigia } from './serving/vigia-server.mjs'
import { servedWorld } from './serving/world.mjs'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '200' },
    out: { type: 'string' },
  },
})
const seconds = Number(options.minutes) * 60
const rate = Number(options.rate)
if (!(seconds >= 30) || !(rate > 0)) {
  process.stderr.write('--minutes is a number from 0.5 on, --rate a number above 0\n')
  process.exit(2)
}
const SAMPLES = 60
process.chdir(ROOT)
const folder = join(ROOT, '.vigia', 'bench')
mkdirSync(folder, { recursive: true })
const world = await servedWorld({ folder, cores: availableParallelism(), smoke: false })
const server = await startVigia({ world, folder, isPinned: false })
const samples = []
let failure
try {
  const started = performance.now()
  const sample = async () => {
    samples.push({ second: Math.round((performance.now() - started) / 1000), ...(await sampleOf(server)) })
    process.stderr.write(`${lineOf(samples.at(-1))}\n`)
  }
  const sampling = setInterval(() => void sample().catch(() => undefined), (seconds * 1000) / SAMPLES)
  const load = await runLoad({ port: server.port, bodies: world.bodies, rate, seconds, isPatient: true })
  clearInterval(sampling)
  await sample()
  const { sent, failed, unanswered, statuses } = load
  if (failed > 0 || unanswered > 0 || statuses['200'] !== sent)
    throw new Error(`of ${sent} requests ${JSON.stringify({ failed, unanswered, statuses })}`)
  await post('/save-logs')
  await server.stop()
  const replayed = replayLog(server, world)
  if (replayed.rows !== sent) throw new Error(`of ${sent} decisions ${replayed.rows} are logged`)
  const growth = ['heapMegabytes', 'ownMegabytes', 'descriptors'].map((name) => growthOf(name))
  const result = { minutes: seconds / 60, rate, sent, latencyMs: load.latencyMs, growth, samples }
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(result, null, 1)}\n`)
  process.stdout.write(
    `${sent} decisions in ${seconds / 60} minutes, all answered, all logged once, ${replayed.values} feature values equal to the replay; latency ms ${JSON.stringify(load.latencyMs)}\n`,
  )
  for (const { name, second, last, isFlat } of growth)
    process.stdout.write(
      `${name}: ${second} in the second fifth, ${last} in the last: ${isFlat ? 'flat' : 'GROWS'}\n`,
    )
  if (growth.some(({ isFlat }) => !isFlat)) failure = 'memory grows'
} finally {
  await server.stop('SIGKILL')
  server.remove()
}
if (failure !== undefined) {
  process.stderr.write(`${failure}\n`)
  process.exit(1)
}

async function post(path) {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST' })
  if (response.status !== 200) throw new Error(`POST ${path}: ${response.status}`)
}

/** Megabytes, milliseconds and counts of this moment, some of which Linux alone tells. */
async function sampleOf({ port, processId }) {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const metric = (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1])
  const { ownMegabytes, mappedMegabytes } = costOf(processId)
  return {
    heapMegabytes: Math.round(metric('nodejs_heap_size_used_bytes') / 2 ** 20),
    ownMegabytes: Math.round(ownMegabytes),
    mappedMegabytes: Math.round(mappedMegabytes),
    eventLoopDelayMs: Math.round(metric('vigia_event_loop_delay_seconds') * 1e5) / 100,
    descriptors: descriptorsOf(processId).all,
    cachedStates: metric('vigia_store_cached_states'),
    unsavedStates: metric('vigia_store_unsaved_states'),
    logMegabytes: Math.round(metric('vigia_log_bytes') / 2 ** 20),
  }
}

function lineOf({ second, ...values }) {
  return `${second} s: ${Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`
}

function growthOf(name) {
  const fifth = (k) => samples.slice((samples.length * k) / 5, (samples.length * (k + 1)) / 5)
  const least = (part) => Math.min(...part.map((sample) => sample[name]))
  // The least of nothing would be flat.
  if (fifth(1).length === 0 || fifth(4).length === 0)
    throw new Error(`${samples.length} samples are too few to tell whether ${name} grows`)
  const second = least(fifth(1))
  const last = least(fifth(4))
  return { name, second, last, isFlat: last <= second * 1.05 + 10 }
}
