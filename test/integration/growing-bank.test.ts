import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

/** The example as its README says it: two entities and an attribute come to a running service. */
test('a running service learns of new entities and an attribute, and loses nothing that it has decided', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-growing-bank-'))
  try {
    cpSync('examples/growing-bank', folder, { recursive: true })
    const { stdout } = await run('sh', ['grow.sh'], {
      cwd: folder,
      env: {
        ...process.env,
        VIGIA: `${process.execPath} ${resolve('bin/vigia.mjs')}`,
        PORT: String(await freePort()),
      },
    })
    expect(stdout).toContain('taken in   3 decisions that the run has not seen (0 it has), 2 labels')
    expect(stdout.match(/\d+ decisions, \d+ values, 0 differ/g)).toHaveLength(2)
    const { features } = JSON.parse(readFileSync(join(folder, 'serving', 'live-4.json'), 'utf8'))
    // Three payments were decided on by the model that knew no addresses: they count all the same.
    expect(features.user_tx_count_1d).toBe(4)
    expect(features).toMatchObject({ ip_tx_count_7d: 1, user_ip_is_new: 1 })
    expect(features.signed_up_age).toBe(0.5 / 24)
    expect(features.ip_tx_count_life).toBeGreaterThan(0)
    // The old server was told of a fraud whose address it did not know.
    const { features: later } = JSON.parse(readFileSync(join(folder, 'serving', 'live-5.json'), 'utf8'))
    expect(later).toMatchObject({ ip_labelled_count_7d: 1, ip_risk_7d: 1 })
    for (const [log, reason] of [
      ['nowhere', 'there is no such folder'],
      ['runs', 'no server has written a log in it'],
    ] as const) {
      const words = ['state', 'migrate', '--from', 'runs/after/growing-bank', '--log', log, '--out', 'other']
      const refused = run(process.execPath, [resolve('bin/vigia.mjs'), ...words], { cwd: folder })
      await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(reason) })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 600_000)

/** A port that nobody listened to a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((done, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => done(port))
    })
  })
