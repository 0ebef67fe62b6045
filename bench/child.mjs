// One side of one row in a process of its own: node child.mjs <row> <side> <request as JSON>. Prints what it
// cost as JSON.
import { rows } from './rows/index.mjs'

const [name, side, request] = process.argv.slice(2)
const row = rows.find((candidate) => candidate.name === name)
const work = side === 'ours' ? row.ours : row.peers[side].run

// A side first loads what it needs, outside the time, and gives the function to be timed.
const run = await work()
const started = performance.now()
const result = await run(JSON.parse(request))
const seconds = (performance.now() - started) / 1000
const cpu = process.cpuUsage()
const cost = {
  // A side whose work is partly for the check only says itself how long the rest took; one that asks a
  // server, what the server cost.
  seconds: result?.seconds ?? seconds,
  cpuSeconds: result?.cpuSeconds ?? (cpu.user + cpu.system) / 1e6,
  peakMegabytes: result?.peakMegabytes ?? process.resourceUsage().maxRSS / 1024,
  result,
}
process.stdout.write(`${JSON.stringify(cost)}\n`)
