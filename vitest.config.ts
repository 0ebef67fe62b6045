import { defineConfig } from 'vitest/config'

/** Tests that start `vigia` track nothing unless they say so: no test leaves runs in the working folder. */
const env = {
  VIGIA_TRACKING__ENABLED: 'false',
  // `npm test` builds first. Vitest alone does not, and a stale build must not be what it tests.
  VIGIA_BUILT_WORKERS: String(/^test(:|$)/.test(process.env['npm_lifecycle_event'] ?? '')),
}

/** They say how fast a server is: next to another file's tests they would measure those. */
const MEASURING = ['test/integration/serving-load.test.ts', 'test/integration/serving-prometheus.test.ts']

const INTEGRATION_LIMITS = { testTimeout: 600_000, hookTimeout: 600_000 }

/** `unit` needs Node only; `integration` needs what `scripts/integration.mjs` installs, and its measuring files run last, one by one. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'integration',
          env,
          include: ['test/integration/**/*.test.ts'],
          exclude: MEASURING,
          ...INTEGRATION_LIMITS,
        },
      },
      {
        test: {
          name: 'integration-measuring',
          env,
          include: MEASURING,
          fileParallelism: false,
          ...INTEGRATION_LIMITS,
        },
      },
    ],
  },
})
