import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from './redis-server.ts'

/** A server of the Prometheus family in a folder of its own. */
export interface WebProgram {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/**
 * Starts one and waits until `/-/ready` answers.
 *
 * @param name of its files, such as `prometheus`; its configuration is `<name>.yml`
 * @param words before its address
 */
export const startWebProgram = async (
  name: string,
  program: string | undefined,
  words: readonly string[],
  configuration: object,
): Promise<WebProgram> => {
  const folder = mkdtempSync(join(tmpdir(), `vigia-${name}-`))
  const address = `127.0.0.1:${await freePort()}`
  // JSON is YAML.
  writeFileSync(join(folder, `${name}.yml`), JSON.stringify(configuration))
  const log = join(folder, `${name}.log`)
  const output = openSync(log, 'a')
  const server = spawn(
    program ?? '',
    [`--config.file=${name}.yml`, ...words, `--web.listen-address=${address}`],
    { cwd: folder, stdio: ['ignore', output, output] },
  )
  const url = `http://${address}`
  for (let tries = 0; ; tries++) {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) break
    if (tries > 300 || server.exitCode !== null) throw new Error(`no ${name}:\n${readFileSync(log, 'utf8')}`)
    await wait(100)
  }
  return {
    url,
    stop: async () => {
      if (server.exitCode === null) {
        const ended = once(server, 'exit')
        server.kill('SIGTERM')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
