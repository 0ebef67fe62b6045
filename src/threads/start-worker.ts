import { type ResourceLimits, Worker } from 'node:worker_threads'

/** Set by who has just built: workers of sources then run the build, which spares each thread a compiler. */
const usesBuild = process.env['VIGIA_BUILT_WORKERS'] === 'true'
const isSource = import.meta.url.endsWith('.ts') && !usesBuild

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
  new Worker(isSource ? runSource(module) : built(module), {
    workerData,
    eval: isSource,
    resourceLimits,
  })

const built = ({ href }: URL): URL =>
  new URL(href.replace(/\/src\/(?!.*\/src\/)(.*)\.ts$/, '/dist/$1.js').replace(/\.ts$/, '.js'))

/**
 * Threads do not get the loader of a test runner: one that knows TypeScript is registered before the module
 * is loaded.
 */
const runSource = (module: URL): string =>
  `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(module.href)}) })`
