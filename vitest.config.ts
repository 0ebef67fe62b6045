import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { filesThatReplaceModules } from './test/files-that-replace-modules.ts'
import { LongestFirst } from './test/longest-first.ts'

/** Tests that start `vigia` track nothing unless they say so: no test leaves runs in the working folder. */
const env = {
  VIGIA_TRACKING__ENABLED: 'false',
  // `npm test` builds first. Vitest alone does not, and a stale build must not be what it tests.
  VIGIA_BUILT_WORKERS: String(/^test(:|$)/.test(process.env['npm_lifecycle_event'] ?? '')),
}

/** A limit is there to end what hangs. None says how fast something must be: it leaves room for a machine that is ten times slower. */
const limits = (minutes: number) => ({ testTimeout: minutes * 60_000, hookTimeout: minutes * 60_000 })

const UNIT = ['src/**/*.test.ts', 'test/**/*.test.ts']
const NOT_UNIT = ['test/integration/**', 'test/long/**']
const replacingModules = filesThatReplaceModules()

/**
 * `unit` needs Node only, and so does `unit-alone`: `unit*` names both. `integration` and `long` need what `scripts/integration.mjs` installs. Laws that
 * take long are held by `integration` (or `unit`) in a small form and by `long` in full: test/laws.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/nothing-left-behind.ts'],
    // Vitest's own choice is one worker on two cores: it leaves one free.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: UNIT,
          exclude: [...NOT_UNIT, ...replacingModules],
          // One process runs many files, and reads what they import once: that is half of what small files take.
          isolate: false,
          // Built by a test, and large: to transform it again takes seconds.
          server: { deps: { external: [/simulator\.mjs$/] } },
          ...limits(3),
        },
      },
      {
        test: {
          // A module that a file replaces must not be one that another file has imported already.
          name: 'unit-alone',
          env,
          include: replacingModules,
          ...limits(3),
        },
      },
      {
        test: {
          name: 'integration',
          env,
          include: ['test/integration/**/*.test.ts'],
          ...limits(10),
        },
      },
      {
        test: {
          name: 'long',
          env,
          include: ['test/long/**/*.test.ts'],
          // One by one: some say how fast a server is, and next to another file's tests they would measure those.
          fileParallelism: false,
          ...limits(60),
        },
      },
    ],
  },
})
