import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { rows } from './rows/index.mjs'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const README = fileURLToPath(new URL('README.md', import.meta.url))
const BEGIN = '<!-- table: written by npm run bench -->'
const END = '<!-- end of table -->'

/** Adds a measured row to today's results, in place of an earlier measurement of the day. */
export const saveResult = (row, cores) => {
  const day = new Date().toISOString().slice(0, 10)
  mkdirSync(RESULTS, { recursive: true })
  const path = `${RESULTS}${day}.json`
  const earlier = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).rows : []
  const machine = {
    cores,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  }
  const kept = earlier.filter(({ name }) => name !== row.name)
  // Our own work alone gives about `cores`: well above it, the machine was busy with something else too.
  const stamped = { ...row, machine, loadAverage: loadavg()[0] }
  writeFileSync(path, `${JSON.stringify({ day, rows: [...kept, stamped] }, null, 2)}\n`)
}

/** Writes the table of the README: of each row its latest measurement. */
export const writeTable = () => {
  const latest = new Map()
  for (const file of existsSync(RESULTS) ? readdirSync(RESULTS).sort() : []) {
    const results = JSON.parse(readFileSync(`${RESULTS}${file}`, 'utf8'))
    for (const row of results.rows) latest.set(row.name, { ...row, day: results.day })
  }
  const readme = readFileSync(README, 'utf8')
  const before = readme.slice(0, readme.indexOf(BEGIN) + BEGIN.length)
  const after = readme.slice(readme.indexOf(END))
  writeFileSync(
    README,
    `${before}\n${renderTable(rows.flatMap(({ name }) => latest.get(name) ?? []))}\n${after}`,
  )
}

const renderTable = (measured) => {
  const machines = [...new Set(measured.map(({ machine: m }) => describeMachine(m)))]
  return [
    '| row | side | seconds | CPU seconds | peak MB | rows/s | peer / ours (least to greatest) | goal | met |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |',
    ...measured.flatMap(renderRow),
    '',
    `Measured on ${machines.join('; ')}. Before times counted, outputs were compared:`,
    '',
    '| row | measured | outputs compared |',
    '| --- | --- | --- |',
    ...measured.map(({ name, day, check }) => `| \`${name}\` | ${day} | ${check} |`),
  ].join('\n')
}

const describeMachine = ({ cores, processor, memoryGigabytes, node, platform }) =>
  `${cores} cores (${processor}), ${memoryGigabytes} GB, Node ${node}, ${platform}`

const renderRow = (row) => [
  line(row, 'ours', row.ours, '', row.goal.text, verdict(row)),
  ...Object.entries(row.peers).map(([peer, cost]) =>
    line(
      row,
      peer,
      cost,
      `${cost.ratio.median.toFixed(2)} (${cost.ratio.least.toFixed(2)} to ${cost.ratio.greatest.toFixed(2)})`,
      '',
      '',
    ),
  ),
  ...Object.entries(row.missing).map(([peer, reason]) => `| | ${peer} | missing: ${reason} | | | | | | |`),
]

const line = (row, side, cost, ratio, goal, met) => {
  const speed =
    row.result?.rows === undefined ? '' : Math.round(row.result.rows / cost.seconds).toLocaleString('en')
  const name = side === 'ours' ? row.title : ''
  const numbers = `${cost.seconds.toFixed(2)} | ${cost.cpuSeconds.toFixed(2)} | ${cost.peakMegabytes.toFixed(0)}`
  return `| ${name} | ${side} | ${numbers} | ${speed} | ${ratio} | ${goal} | ${met} |`
}

/** Whether the goal is met: by every peer of the row, and only when none is missing. */
const verdict = ({ goal, ours, peers, missing, result }) => {
  if (goal.rowsPerCpuSecond !== undefined) {
    const speed = result.rows / ours.cpuSeconds
    return `${speed >= goal.rowsPerCpuSecond ? 'yes' : 'no'} (${Math.round(speed).toLocaleString('en')} rows per CPU second)`
  }
  if (goal.ratio === undefined) return goal.most === undefined ? '' : figuresVerdict(goal, ours)
  const figures = figuresVerdict(goal, ours)
  const sides = Object.values(peers)
  if (Object.keys(missing).length > 0 || sides.length === 0) return 'not known: a peer is missing'
  const wanted = (peer) => (typeof goal.ratio === 'number' ? goal.ratio : goal.ratio[peer])
  const fast = Object.entries(peers).every(([peer, { ratio }]) => ratio.median >= wanted(peer))
  if (figures !== '') return `ratio ${fast ? 'yes' : 'no'}, ${figures}`
  if (goal.noMoreMemory !== true) return fast ? 'yes' : 'no'
  const small = sides.every(({ peakMegabytes }) => ours.peakMegabytes <= peakMegabytes)
  return fast && small ? 'yes' : `time ${fast ? 'yes' : 'no'}, memory ${small ? 'yes' : 'no'}`
}

/** Figures of ours that have an upper bound, each with its value. */
const figuresVerdict = ({ most = {} }, { figures = {} }) =>
  Object.entries(most)
    .map(([name, bound]) => `${name} ${figures[name] <= bound ? 'yes' : 'no'} (${figures[name].toFixed(2)})`)
    .join(', ')
