import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))
const PEERS = fileURLToPath(new URL('peers/', import.meta.url))

/**
 * Runs one side of a row once, as a process of its own, and returns what it cost:
 * `seconds` of the work, imports of libraries not counted; `processSeconds` from start to end of the process;
 * `cpuSeconds` and `peakMegabytes` of the whole process; and `result`, whatever the side returned.
 */
export const runOnce = async (row, side, request, environment) => {
  const peer = row.peers[side]
  const words =
    peer?.python === undefined
      ? [process.execPath, CHILD, row.name, side]
      : [environment.python, `${PEERS}${peer.python}`]
  const started = performance.now()
  const printed = await outputOf([...words, JSON.stringify(request)], environment)
  return {
    processSeconds: (performance.now() - started) / 1000,
    ...JSON.parse(printed.trim().split('\n').at(-1)),
  }
}

const outputOf = ([command, ...words], { cores }) =>
  new Promise((resolve, reject) => {
    const threads = String(cores)
    const child = spawn(command, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        POLARS_MAX_THREADS: threads,
        OMP_NUM_THREADS: threads,
        OPENBLAS_NUM_THREADS: threads,
      },
    })
    let printed = ''
    let complaints = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    child.stderr.on('data', (text) => {
      complaints += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(printed)
      else reject(new Error(`${words.slice(0, 3).join(' ')} ended with ${code}: ${complaints.slice(-2000)}`))
    })
  })

/** The middle value; of an even number of values the mean of the two in the middle. */
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Medians of what a side's runs cost, and each run's seconds. */
export const summarise = (runs) => ({
  seconds: median(runs.map((run) => run.seconds)),
  processSeconds: median(runs.map((run) => run.processSeconds)),
  cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
  peakMegabytes: median(runs.map((run) => run.peakMegabytes)),
  runs: runs.map((run) => run.seconds),
  ...(runs[0].result?.figures !== undefined && { figures: mediansOf(runs.map((run) => run.result.figures)) }),
})

/** Of each figure by name the median of all runs. */
const mediansOf = (figures) =>
  Object.fromEntries(Object.keys(figures[0]).map((name) => [name, median(figures.map((run) => run[name]))]))

/** How many times as long as ours the peer took, run by run: above 1 means that ours was faster. */
export const ratioOf = (ours, peer) => {
  const ratios = ours.map((run, index) => peer[index].seconds / run.seconds)
  return { median: median(ratios), least: Math.min(...ratios), greatest: Math.max(...ratios) }
}
