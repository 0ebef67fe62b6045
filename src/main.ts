import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { createMemoryStateStore } from './adapters/memory/memory-state-store.ts'
import { createCommands } from './cli/commands/index.ts'
import { runProgram } from './cli/program.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { trackThisProcess } from './pipelines/tracking/track-this-process.ts'
import { renderEvaluationPlots, renderEvaluationReport } from './reports/evaluation-report.ts'
import { renderValidationReport } from './reports/validation-report.ts'
import { serverStarter, servingModelLoader } from './start-server.ts'

/**
 * The composition root: environment, clock, streams and signals are chosen here and handed in.
 *
 * The exit code is set, not forced, so that what was written to a pipe is flushed.
 */
const interruption = new AbortController()
process.on('SIGINT', () => {
  // A second Ctrl-C means now.
  if (interruption.signal.aborted) process.exit(130)
  interruption.abort()
})
// How a supervisor asks: the same, and it will not ask twice.
process.on('SIGTERM', () => interruption.abort())

// `vigia config show | head` closes the pipe early: that is the reader's right, not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 74)
})

const outputOf = (stream: NodeJS.WriteStream) => ({
  isTerminal: stream.isTTY === true,
  columns: stream.columns ?? 80,
  write: (text: string): void => {
    stream.write(text)
  },
})

const packageFile = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const now = () => Date.now()
const owner = { processId: process.pid, host: hostname(), isAlive }

const openTrackingStore = trackingStoreOpener({ workingDirectory: process.cwd(), now, owner })
const storage = createServingStorage(owner)
const monotonicMs = () => performance.now()

const commands = createCommands({
  now,
  owner,
  openTrackingStore,
  storage,
  modelLoader: servingModelLoader({ openTrackingStore, now }),
  startServer: serverStarter({ version, storage, openTrackingStore, now, monotonicMs, newId: randomUUID }),
  createStateStore: createMemoryStateStore,
  monotonicMs,
  newId: randomUUID,
  trackThisProcess: (store, command, workingDirectory) =>
    trackThisProcess(store, { version, command, workingDirectory }),
  runtime: `node ${process.version}`,
  renderers: {
    validation: renderValidationReport,
    evaluation: renderEvaluationReport,
    plots: renderEvaluationPlots,
  },
})

process.exitCode = await runProgram(process.argv.slice(2), commands, {
  version,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  environment: process.env,
  workingDirectory: process.cwd(),
  signal: interruption.signal,
  now: () => performance.now(),
})
