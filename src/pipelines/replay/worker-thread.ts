import { Worker } from 'node:worker_threads'

/**
 * Starts a worker from a module beside the caller: `startWorker(import.meta.url, './replay-worker', data)`. From sources (tests) it
 * runs TypeScript as the tests do, from the build plain JavaScript.
 */
export const startWorker = (callerUrl: string, module: string, workerData: unknown): Worker => {
  const isSource = callerUrl.endsWith('.ts')
  return new Worker(new URL(`${module}${isSource ? '.ts' : '.js'}`, callerUrl), {
    workerData,
    ...(isSource ? { execArgv: ['--import', 'tsx'] } : {}),
    // Features return numbers by the hundred per transaction: a larger nursery collects them in passing.
    resourceLimits: { maxYoungGenerationSizeMb: 96 },
  })
}
