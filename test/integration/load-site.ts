import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/** What `bench/serving/load.mjs` tells. */
export interface Load {
  readonly failed: number
  readonly unanswered: number
  readonly statuses: Readonly<Record<string, number>>
  readonly withoutRetryAfter: number
  readonly perSecond: number
  readonly serverMs: { readonly p50: number; readonly p99: number } | null
}

/** A folder with servers of a small model, and a generator of load. */
export interface LoadSite {
  readonly folder: string
  /** Folders of their runs. */
  readonly runs: readonly string[]
  /** Starts a server of the first run in a folder of that name. */
  start(
    name: string,
    settings?: readonly string[],
  ): Promise<{ readonly server: VigiaServer; readonly home: string }>
  /** The bench's generator of load, as a process of its own. */
  load(server: VigiaServer, options: Readonly<Record<string, number>>): Promise<Load>
  /** Ends its servers and removes it. */
  remove(): Promise<void>
}

/** @param models settings of the training of each (`trainSmallModel`); the first is served */
export const openLoadSite = async (models: readonly (readonly string[])[]): Promise<LoadSite> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-load-'))
  const runs: string[] = []
  for (const settings of models) runs.push(await trainSmallModel(settings))
  const bodies = join(folder, 'bodies.ndjson')
  const lines = Array.from({ length: 20_000 }, (_, n) => JSON.stringify(smallTransaction(n)))
  writeFileSync(bodies, `${lines.join('\n')}\n`)
  return {
    folder,
    runs,
    start: async (name, settings = []) => {
      const home = join(folder, name)
      mkdirSync(home)
      const server = await startVigiaServer(home, [
        `model.source=${runs[0]}`,
        'limits.requests_per_minute=0',
        ...settings,
      ])
      return { server, home }
    },
    load: ({ port }, options) =>
      new Promise((done, failed) => {
        const words = [resolve('bench/serving/load.mjs'), JSON.stringify({ port, bodies, ...options })]
        execFile(process.execPath, words, (error, stdout, stderr) =>
          error === null ? done(JSON.parse(stdout) as Load) : failed(new Error(stderr)),
        )
      }),
    remove: async () => {
      await killVigiaServers()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A request that posts JSON, or nothing. */
export const posting = (body?: unknown): RequestInit => ({
  method: 'POST',
  ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
})

/** biome-ignore lint/suspicious/noExplicitAny: answers have the shapes of their routes. */
export const post = async (server: VigiaServer, path: string, body?: unknown): Promise<any> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, posting(body))
  if (response.status !== 200) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
