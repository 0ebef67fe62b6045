// Writes to a store until it is killed: write-forever.ts <folder> <name of the writer>. A line a finished
// round tells what must be there.
import { hostname } from 'node:os'
import { createFileStore } from '../../src/adapters/files/file-store.ts'

const [folder = '', writer = ''] = process.argv.slice(2)
const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
const { tracker, registry } = createFileStore({
  folder,
  now: () => Date.now(),
  // In one space of process ids, as on one machine: a lock of a writer that was killed is taken over at once.
  owner: { processId: process.pid, host: hostname(), processSpace: 'test', isAlive },
})
const experiment =
  (await tracker.findExperiment('shared')) ??
  (await tracker.createExperiment('shared').catch(() => tracker.findExperiment('shared')))
if (experiment === undefined) throw new Error('There is no experiment.')
await registry.ensureModel('model', 'shared')
for (let round = 0; ; round++) {
  const name = `${writer} ${round}`
  const run = await tracker.createRun({ experimentId: experiment.id, name, startTimeMs: Date.now() })
  const metrics = Array.from({ length: 50 }, (_, step) => ({
    key: 'm',
    value: step,
    step,
    timestampMs: step,
  }))
  await tracker.logEntries(run.id, {
    params: { a: name, 'b/c': 'x'.repeat(3000) },
    tags: { t: name },
    metrics,
  })
  const { version } = await registry.createVersion({ name: 'model', runId: run.id, artifactPath: 'model' })
  await registry.setAlias('model', 'production', version)
  await tracker.setRunStatus(run.id, 'FINISHED', Date.now())
  process.stdout.write(`${JSON.stringify({ run: run.id, name, version })}\n`)
}
