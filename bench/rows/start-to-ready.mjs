import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { built, madeOnce } from '../data.mjs'
import { costOf } from '../serving/processes.mjs'
import { referenceModel, startReference } from '../serving/reference.mjs'
import { startVigia } from '../serving/vigia-server.mjs'
import { servedWorld, VIGIA } from '../serving/world.mjs'

const USERS = { full: 1_000_000, smoke: 2_000 }

/** From the start of the process until GET /health/ready answers 200, then one decision. */
export const startToReady = {
  name: 'start-to-ready',
  title: `a server's start until it is ready, a model and the states of ${USERS.full.toLocaleString('en')} users on disk`,
  goal: {
    text: 'ready in under 500 ms',
    ratio: { 'FastAPI, MLflow, scikit-learn': 1 },
    most: { readyMs: 500 },
  },
  prepare: async (environment) => {
    const { mlflowPython, smoke, folder } = environment
    const world = await servedWorld(environment)
    const users = smoke ? USERS.smoke : USERS.full
    const states = await madeOnce(folder, `states-${users}`, (path) => makeStates(world, path, users))
    const reference = mlflowPython === undefined ? undefined : await referenceModel(environment, world)
    return { world: { ...world, states }, users, mlflowPython, reference }
  },
  outEnding: '.json',
  ours:
    async () =>
    async ({ world, users, folder, out }) => {
      const server = await startVigia({ world, folder, isPinned: false })
      try {
        const cost = costOf(server.processId)
        const { probability } = await predictOne(server.port, world)
        await server.stop()
        writeFileSync(out, JSON.stringify({ probability, found: usersOf(server, world) }))
        return measured(server, cost, users)
      } finally {
        await server.stop('SIGKILL')
        server.remove()
      }
    },
  peers: {
    'FastAPI, MLflow, scikit-learn': {
      needs: 'fastapi, uvicorn, pandas, mlflow, sklearn',
      run:
        async () =>
        async ({ world, users, folder, mlflowPython, reference: model, out }) => {
          const server = await startReference({ mlflowPython, model, folder, mlflow: true, isPinned: false })
          try {
            const cost = costOf(server.processId)
            const { probability } = await predictOne(server.port, world)
            writeFileSync(out, JSON.stringify({ probability }))
            return measured(server, cost, users)
          } finally {
            await server.stop()
          }
        },
    },
  },
  check: async ({ data, outs }) => {
    const ours = JSON.parse(readFileSync(outs.ours, 'utf8'))
    // One more when the one who was decided on is new.
    if (ours.found !== data.users && ours.found !== data.users + 1)
      throw new Error(`${ours.found} users have a state, not ${data.users}`)
    for (const [side, path] of Object.entries({ ours: outs.ours, ...outs.peers })) {
      const { probability } = JSON.parse(readFileSync(path, 'utf8'))
      if (!(probability >= 0 && probability <= 1)) throw new Error(`${side} answered ${probability}`)
    }
    return `both decide on a transaction; ${ours.found} users have a state (the peer keeps none)`
  },
}

const measured = ({ readyMs }, cost, users) => ({
  rows: users,
  seconds: readyMs / 1000,
  ...(cost && { cpuSeconds: cost.cpuSeconds, peakMegabytes: cost.peakMegabytes }),
  figures: { readyMs },
})

/** The first transaction of the time after training. */
const predictOne = async (port, { bodies }) => {
  const [body] = readFileSync(bodies, 'utf8').split('\n', 1)
  const response = await fetch(`http://127.0.0.1:${port}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (response.status !== 200) throw new Error(`POST /predict: ${response.status} ${await response.text()}`)
  return response.json()
}

const usersOf = (server, world) => {
  const words = [VIGIA, 'state', 'inspect', '--json', '--set', `model.source=${world.run}`]
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: server.place })
  const found = JSON.parse(String(stdout) || '{}').counts?.user
  if (found === undefined) throw new Error(`the states cannot be inspected: ${stderr}`)
  return found
}

/** The world's states, and of its users as many more as are wanted, each with the state of one of them. */
const makeStates = async (world, path, users) => {
  mkdirSync(path, { recursive: true })
  cpSync(world.states, path, { recursive: true })
  const { openLmdbStateStore } = await built('adapters/lmdb/lmdb-state-store.js')
  const { tokenOf } = await built('transaction/token.js')
  const owner = { processId: process.pid, host: hostname(), isAlive: () => true }
  const store = await openLmdbStateStore({ folder: path, owner })
  try {
    const known = []
    for await (const { bytes } of store.entries('user')) known.push({ bytes })
    for (let made = known.length; made < users; ) {
      const changes = []
      for (; changes.length < 1000 && made < users; made++)
        changes.push({
          key: { kind: 'user', token: tokenOf(`copy ${made}`) },
          bytes: known[made % known.length].bytes,
          expected: 0,
        })
      if (!(await store.save(changes))) throw new Error('two users of the bench have one token')
    }
  } finally {
    await store.close()
  }
}
