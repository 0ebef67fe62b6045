import { type ResourceLimits, Worker } from 'node:worker_threads'
import { builtModule, runsSources, typeScriptRegister } from './runs-sources.ts'

/**
 * Starts a worker from a module, named by its URL relative to the one that starts it. From sources (tests) it
 * runs TypeScript as the tests do, from the build the JavaScript of the same name.
 */
export const startWorker = (
  module: URL,
  workerData: unknown,
  // Features return numbers by the hundred per transaction: a larger nursery collects them in passing.
  resourceLimits: ResourceLimits = { maxYoungGenerationSizeMb: 96 },
): Worker =>
  new Worker(runsSources ? runSource(module) : builtModule(module), {
    workerData,
    eval: runsSources,
    resourceLimits,
  })

/**
 * Threads do not get the loader of a test runner: one that knows TypeScript is registered before the module
 * is loaded.
 */
const runSource = (module: URL): string =>
  `import(${JSON.stringify(typeScriptRegister())}).then(({ register }) => { register(); return import(${JSON.stringify(module.href)}) })`
