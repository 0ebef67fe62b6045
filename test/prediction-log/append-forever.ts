// Appends to the log in a folder until it is killed: append-forever.ts <folder> <durability>. A line for each
// record that is acknowledged.
import { hostname } from 'node:os'
import { openSegmentLog } from '../../src/adapters/segments/segment-log.ts'
import { processSpace } from '../../src/composition/process-space.ts'

const APPENDERS = 32

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

const [folder = '', durability = ''] = process.argv.slice(2)
const space = processSpace()
const log = await openSegmentLog({
  folder,
  owner: { processId: process.pid, host: hostname(), ...(space && { processSpace: space }), isAlive },
  durability: durability === 'power' ? 'power' : 'process',
  segmentBytes: 256 << 10,
})
let sequence = log.lastSequence

const appendForever = async (): Promise<never> => {
  for (;;) {
    const own = ++sequence
    await log.append(own, Buffer.from(`${own} `.repeat(1 + (own % 300))))
    process.stdout.write(`${own}\n`)
    if (own % 500 === 0) await log.rotate()
  }
}

await Promise.all(Array.from({ length: APPENDERS }, appendForever))
