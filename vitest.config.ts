import { defineConfig } from 'vitest/config'

/** Tests that start `vigia` track nothing unless they say so: no test leaves runs in the working folder. */
const env = {
  VIGIA_TRACKING__ENABLED: 'false',
  // `npm test` builds first. Vitest alone does not, and a stale build must not be what it tests.
  VIGIA_BUILT_WORKERS: String(/^test(:|$)/.test(process.env['npm_lifecycle_event'] ?? '')),
}

/** `unit` needs Node only; `integration` needs what `scripts/integration.mjs` installs. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          env,
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
