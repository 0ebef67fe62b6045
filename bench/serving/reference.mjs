import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { madeOnce } from '../data.mjs'
import { startServer } from './processes.mjs'

const script = (name) => fileURLToPath(new URL(`../peers/serving/${name}.py`, import.meta.url))

/**
 * Rows that the reference's forest learns from: its features need the whole frame, and more rows would not
 * make a request slower.
 */
const ROWS = { full: 30_000, smoke: 3_000 }

const run = (python, name, request) => {
  const { status, stderr } = spawnSync(python, [script(name), JSON.stringify(request)])
  if (status !== 0) throw new Error(`${name}.py ended with ${status}: ${String(stderr).slice(-2000)}`)
}

/** The reference's model, trained once: its folder. */
export const referenceModel = ({ folder, mlflowPython, smoke }, world) =>
  madeOnce(folder, `reference-${smoke ? 'smoke' : 'full'}`, (path) => {
    mkdirSync(path, { recursive: true })
    run(mlflowPython, 'train_reference', {
      trained: world.trained,
      out: path,
      rows: smoke ? ROWS.smoke : ROWS.full,
    })
  })

/** FastAPI with the reference's model; `mlflow` loads it as a pyfunc. */
export const startReference = ({ mlflowPython, model, folder, mlflow = false, isPinned = true }) =>
  startServer({
    command: mlflowPython,
    words: (port) => [script('reference_server'), JSON.stringify({ port, model, mlflow })],
    ready: '/health/ready',
    folder,
    isPinned,
  })

/** Writes the probabilities that the reference's model gives to the first `count` bodies, one row each. */
export const scoreReference = (mlflowPython, request) => run(mlflowPython, 'score_reference', request)
