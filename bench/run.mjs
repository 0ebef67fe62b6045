#!/usr/bin/env node
// npm run bench -- [--smoke] [--rows <name,...>] [--pairs <count>] [--large]; see README.md beside this file.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './data.mjs'
import { ratioOf, runOnce, summarise } from './measure.mjs'
import { saveResult, writeTable } from './report.mjs'
import { rows } from './rows/index.mjs'

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    rows: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    large: { type: 'boolean', default: false },
  },
})
process.chdir(ROOT)
const { smoke, large } = options
const pairs = Number(options.pairs)
const cores = availableParallelism()
const folder = smoke ? mkdtempSync(join(tmpdir(), 'vigia-bench-')) : join(ROOT, '.vigia', 'bench')
const environment = { python: findPython(), mlflowPython: venvPython('.venv-mlflow'), cores }
mkdirSync(folder, { recursive: true })

/** Whether an interpreter has some modules, by both. */
const importable = new Map()
const failures = []
try {
  for (const row of chosenRows()) {
    process.stderr.write(`${row.name}: ${row.title}\n`)
    try {
      const measured = await measureRow(row)
      // After each row, so that an interrupted run keeps what it has measured.
      if (!smoke) {
        saveResult(measured, cores)
        writeTable()
      }
    } catch (error) {
      failures.push(row.name)
      process.stderr.write(`  FAILED: ${error.message}\n`)
    }
  }
} finally {
  if (smoke) rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(
  failures.length === 0 ? 'Both sides of every row agree.\n' : `Failed: ${failures.join(', ')}\n`,
)
process.exit(failures.length === 0 ? 0 : 1)

function chosenRows() {
  const wanted = options.rows?.split(',')
  const unknown = wanted?.filter((name) => !rows.some((row) => row.name === name)) ?? []
  if (unknown.length > 0) {
    process.stderr.write(
      `Unknown rows: ${unknown.join(', ')}. Known: ${rows.map((row) => row.name).join(', ')}.\n`,
    )
    process.exit(2)
  }
  return rows.filter((row) => (wanted ? wanted.includes(row.name) : Boolean(row.large) === large))
}

/** Checks a row (which also warms up), then times its sides in turn. */
async function measureRow(row) {
  const data = await row.prepare({ ...environment, folder, smoke })
  const missing = {}
  const sides = ['ours']
  for (const peer of Object.keys(row.peers)) {
    const reason = whyMissing(row.peers[peer])
    if (reason === undefined) sides.push(peer)
    else missing[peer] = reason
  }
  const outOf = (side) => join(folder, `${row.name}-${side}${row.outEnding}`)
  const run = (side) => runOnce(row, side, { ...data, out: outOf(side), cores, folder }, environment)

  const first = {}
  for (const side of sides) first[side] = await run(side)
  const peers = sides.slice(1)
  const check = await row.check({
    data,
    cores,
    outs: { ours: outOf('ours'), peers: Object.fromEntries(peers.map((peer) => [peer, outOf(peer)])) },
    results: Object.fromEntries(sides.map((side) => [side, first[side].result])),
  })
  process.stderr.write(`  checked: ${check}\n`)

  const runs = Object.fromEntries(sides.map((side) => [side, []]))
  // A peer that is slow and there for what it computes is timed by its only run.
  const timed = sides.filter((side) => row.peers[side]?.once !== true)
  for (const side of sides) if (!timed.includes(side)) runs[side].push(first[side])
  // A large row takes minutes, and of the smallest size only the check counts: the first run is the only one.
  const hasOneRun = row.large || smoke
  if (hasOneRun) for (const side of timed) runs[side].push(first[side])
  for (let pair = 0; pair < (hasOneRun ? 0 : pairs); pair++) {
    for (const side of timed) runs[side].push(await run(side))
    tellTimes(timed, runs)
  }
  if (hasOneRun) tellTimes(timed, runs)
  for (const side of sides) rmSync(outOf(side), { force: true })
  for (const [peer, reason] of Object.entries(missing)) process.stderr.write(`  ${peer} missing: ${reason}\n`)
  return {
    name: row.name,
    title: row.title,
    goal: row.goal,
    check,
    result: first.ours.result,
    ours: summarise(runs.ours),
    peers: Object.fromEntries(
      peers.map((peer) => [
        peer,
        {
          ...summarise(runs[peer]),
          ratio: ratioOf(timed.includes(peer) ? runs.ours : [first.ours], runs[peer]),
        },
      ]),
    ),
    missing,
  }
}

function tellTimes(sides, runs) {
  const times = sides.map((side) => `${side} ${runs[side].at(-1).seconds.toFixed(2)} s`)
  process.stderr.write(`  ${times.join(', ')}\n`)
}

/** Why a peer cannot run here; undefined when it can. */
function whyMissing(peer) {
  if (peer.needs === undefined) return undefined
  // A server is started by the row itself, with the packages of MLflow.
  const python = peer.run === undefined ? environment.python : environment.mlflowPython
  if (python === undefined)
    return `no Python environment (node scripts/integration.mjs${peer.run === undefined ? ' --prepare-peers' : ''})`
  return canImport(python, peer.needs) ? undefined : `Python has no ${peer.needs}`
}

/** Asked once: to import them takes seconds. */
function canImport(python, modules) {
  const words = `${python} ${modules}`
  if (!importable.has(words)) {
    const { status } = spawnSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' })
    importable.set(words, status === 0)
  }
  return importable.get(words)
}

/** The interpreter with the peers. A full run prepares it; the smallest takes what is there. */
function findPython() {
  if (process.env.PEER_PYTHON) return process.env.PEER_PYTHON
  if (!smoke)
    spawnSync(process.execPath, ['scripts/integration.mjs', '--prepare-peers'], { stdio: ['ignore', 2, 2] })
  return venvPython('.venv')
}

/** The interpreter of a virtual environment; undefined without one. */
function venvPython(folder) {
  const words = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']
  const path = join(ROOT, folder, ...words)
  return existsSync(path) ? path : undefined
}
