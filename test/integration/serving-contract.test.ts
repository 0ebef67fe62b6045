import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const SERVING_PYTHON = process.env['SERVING_PYTHON']
const MISSING =
  process.env['SERVING_PYTHON_MISSING'] ?? 'no fuzzer was looked for (npm run test:integration does)'
const KEY = 'all-scopes'

/**
 * A real server is asked what its own OpenAPI document says can be asked, and more, by a tool that knows
 * nothing else of it.
 */
describe.skipIf(SERVING_PYTHON === undefined)(
  `the contract of the server (${SERVING_PYTHON ?? MISSING})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-contract-'))
    let server: VigiaServer

    beforeAll(async () => {
      const scopes = ['predict', 'feedback', 'read', 'admin', 'metrics']
      writeFileSync(join(folder, 'keys.json'), JSON.stringify([{ name: 'all', sha256: sha256(KEY), scopes }]))
      const run = await trainSmallModel()
      server = await startVigiaServer(folder, [
        `model.source=${run}`,
        'security.keys=keys.json',
        'log.level=error',
      ])
    })

    afterAll(async () => {
      // Killed, it would leave the folder of the tables that it read.
      await server?.stop()
      await killVigiaServers()
      rmSync(folder, { recursive: true, force: true })
    })

    test('what is answered is what the OpenAPI document promises, whatever is asked; never a 5xx', async () => {
      const place = join(folder, 'fuzzing')
      mkdirSync(place)
      for (const name of ['schemathesis.toml', 'hooks.py'])
        copyFileSync(join('test/integration/schemathesis', name), join(place, name))
      const { status, output } = await fuzz(place, [
        ...['run', `http://127.0.0.1:${server.port}/openapi.json`],
        // The same requests each time, so that a change of the server is what a change of the outcome means.
        ...['--seed', '1', '--max-examples', '10', '--phases', 'examples,coverage,fuzzing'],
        ...['--continue-on-failure', '--suppress-health-check', 'all', '--no-color'],
      ])
      expect(output).not.toContain('FAILURES')
      expect(output).not.toContain('ERRORS')
      expect(output).toMatch(/Tested: (2[89]|[3-9]\d)$/m)
      expect(Number(/(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(1000)
      expect(status).toBe(0)
      // And all of it has left no trace: it decides as if nothing had been.
      expect(server.isAlive()).toBe(true)
      const answer = await fetch(`http://127.0.0.1:${server.port}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': KEY },
        body: JSON.stringify(smallTransaction(1)),
      })
      expect(answer.status).toBe(200)
      expect(server.output()).not.toContain('unexpected failure')
    })
  },
)

const fuzz = (folder: string, words: readonly string[]) =>
  new Promise<{ readonly status: number; readonly output: string }>((done) => {
    const program = join(dirname(SERVING_PYTHON ?? ''), 'st')
    execFile(program, [...words], { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    )
  })
