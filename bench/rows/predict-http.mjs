import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { costOf, costSince, pinning, runLoad, startServer } from '../serving/processes.mjs'
import { referenceModel, scoreReference, startReference } from '../serving/reference.mjs'
import { readAnswers, scoreArchive } from '../serving/served-scores.mjs'
import { replayLog, startVigia } from '../serving/vigia-server.mjs'
import { servedWorld } from '../serving/world.mjs'

const RATE = 2_000
const BARE = fileURLToPath(new URL('../serving/bare-server.mjs', import.meta.url))

/** Requests of each part of a run, one after the other through the file of bodies. */
const PARTS = {
  full: { checked: 2_000, warmed: 10_000, timed: 20_000, saturated: 30_000, ofReference: 200 },
  smoke: { checked: 50, warmed: 100, timed: 400, saturated: 500, ofReference: 3 },
}

/** One prediction a request: latency at a steady rate, then as many as the server can. */
export const predictHttp = {
  name: 'predict-http',
  title: `30,000 predictions through HTTP, ${RATE}/s and then 64 connections at once, states durable in LMDB, every feature, server on one core`,
  goal: {
    text: `p50 under 1 ms and p99 under 5 ms at ${RATE}/s; saturated at 60 % or more of a bare Fastify POST with the same schemas`,
    ratio: { 'bare Fastify': 0.6, 'FastAPI, pandas, scikit-learn': 1 },
    most: { p50Ms: 1, p99Ms: 5 },
  },
  prepare: async (environment) => {
    const world = await servedWorld(environment)
    const { mlflowPython, smoke } = environment
    const reference = mlflowPython === undefined ? undefined : await referenceModel(environment, world)
    return { world, mlflowPython, reference, parts: smoke ? PARTS.smoke : PARTS.full }
  },
  outEnding: '.json',
  ours:
    async () =>
    async ({ world, parts, folder, cores, out }) => {
      const server = await startVigia({ world, folder })
      try {
        const answers = join(server.place, 'answers.ndjson')
        const measured = await measure(server, world, parts, answers)
        const response = await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })
        if (response.status !== 200) throw new Error(`POST /save-logs: ${response.status}`)
        await server.stop()
        const replayed = replayLog(server, world)
        const logged = await scoreArchive({ log: server.log, run: world.run, cores })
        for (const { transaction_id, probability } of readAnswers(answers))
          if (!Object.is(logged.get(transaction_id), probability))
            throw new Error(
              `${transaction_id} was answered ${probability} and logged ${logged.get(transaction_id)}`,
            )
        const decided = parts.checked + parts.warmed + parts.timed + parts.saturated
        if (logged.size !== decided || replayed.rows !== decided)
          throw new Error(`of ${decided} decisions ${logged.size} are logged and ${replayed.rows} replayed`)
        writeFileSync(out, JSON.stringify({ ...replayed, scores: logged.size }))
        return measured
      } finally {
        await server.stop('SIGKILL')
        server.remove()
      }
    },
  peers: {
    'bare Fastify': {
      run:
        async () =>
        async ({ world, parts, folder, out }) => {
          const server = await startServer({
            command: process.execPath,
            words: (port) => [BARE, String(port)],
            ready: '/health/ready',
            folder,
          })
          try {
            const measured = await measure(server, world, parts, out)
            return measured
          } finally {
            await server.stop()
          }
        },
    },
    'FastAPI, pandas, scikit-learn': {
      // A hundred times slower: one run says enough.
      once: true,
      needs: 'fastapi, uvicorn, pandas, sklearn, joblib',
      run:
        async () =>
        async ({ world, parts, folder, mlflowPython, reference, out }) => {
          const server = await startReference({ mlflowPython, model: reference, folder })
          try {
            const { bodies } = world
            const count = parts.ofReference
            const one = await runLoad({
              port: server.port,
              bodies,
              connections: 1,
              requests: count,
              answers: out,
            })
            accepted(one, count)
            const before = costOf(server.processId)
            const all = await runLoad({ port: server.port, bodies, connections: 64, requests: count })
            accepted(all, count)
            const cost = costSince(before, server.processId)
            // A few hundred requests tell what thirty thousand would take.
            const scale = parts.saturated / count
            return {
              seconds: all.seconds * scale,
              ...cost,
              ...(cost.cpuSeconds !== undefined && { cpuSeconds: cost.cpuSeconds * scale }),
              figures: { p50Ms: one.latencyMs.p50, p99Ms: one.latencyMs.p99, perSecond: all.perSecond },
            }
          } finally {
            await server.stop()
          }
        },
    },
  },
  check: async ({ data, outs, results }) => {
    const { rows, values, scores } = JSON.parse(readFileSync(outs.ours, 'utf8'))
    const said = [
      `${rows} decisions: ${values} feature values equal to the replay of the log, ${scores} probabilities equal to offline scores, bit for bit`,
    ]
    const peer = 'FastAPI, pandas, scikit-learn'
    if (outs.peers[peer] !== undefined) {
      const answers = readAnswers(outs.peers[peer])
      const place = mkdtempSync(join(data.world.place, 'scores-'))
      const offline = join(place, 'scores.json')
      const { mlflowPython, reference: model } = data
      scoreReference(mlflowPython, { model, bodies: data.world.bodies, count: answers.length, out: offline })
      const expected = JSON.parse(readFileSync(offline, 'utf8'))
      rmSync(place, { recursive: true })
      const differing = answers.filter(({ probability }, i) => probability !== expected[i]).length
      if (differing > 0) throw new Error(`${differing} answers of FastAPI differ from scikit-learn's`)
      const { p50Ms, perSecond } = results[peer].figures
      said.push(
        `${answers.length} answers of FastAPI equal to scikit-learn's, p50 ${p50Ms.toFixed(1)} ms one at a time, ${perSecond.toFixed(1)}/s`,
      )
    }
    return `${said.join('; ')}; all requests of both sides answered 200; ${pinning}`
  },
}

/** The parts of a run against one server: one after another for the check, warm, at a rate, saturated. */
const measure = async ({ port, processId }, { bodies }, parts, answers) => {
  const { checked, warmed, timed, saturated } = parts
  const part = async (from, requests, options) => {
    const outcome = await runLoad({ port, bodies, from, requests, ...options })
    accepted(outcome, requests)
    return outcome
  }
  await part(0, checked, { connections: 1, answers })
  await part(checked, warmed, { rate: RATE })
  const steady = await part(checked + warmed, timed, { rate: RATE })
  const before = costOf(processId)
  const full = await part(checked + warmed + timed, saturated, {})
  return {
    rows: saturated,
    seconds: full.seconds,
    ...costSince(before, processId),
    figures: {
      p50Ms: steady.latencyMs.p50,
      p99Ms: steady.latencyMs.p99,
      p999Ms: steady.latencyMs.p999,
      perSecond: full.perSecond,
      saturatedP50Ms: full.latencyMs.p50,
      saturatedP99Ms: full.latencyMs.p99,
    },
  }
}

const accepted = ({ sent, failed, unanswered, statuses }, requests) => {
  if (sent !== requests || failed > 0 || unanswered > 0 || statuses['200'] !== requests)
    throw new Error(`of ${requests} requests ${JSON.stringify({ sent, failed, unanswered, statuses })}`)
}
