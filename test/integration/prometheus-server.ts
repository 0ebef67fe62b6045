import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { startWebProgram } from './web-program.ts'

/** Program of a Prometheus; `npm run test:integration` looks for one. */
export const PROMETHEUS_SERVER = process.env['PROMETHEUS_SERVER']

/** Why there is none. */
export const PROMETHEUS_SERVER_MISSING =
  process.env['PROMETHEUS_SERVER_MISSING'] ?? 'no Prometheus was looked for (npm run test:integration does)'

/** One series of an answer: its labels, and its values with their times in seconds. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [seconds: number, value: number])[]
}

export interface Prometheus {
  /** The value of an expression that has one; NaN where it has none. @param atMs now by default */
  value(expression: string, atMs?: number): Promise<number>
  /** Every series of an expression. */
  series(expression: string): Promise<readonly Series[]>
  stop(): Promise<void>
}

/** A port that is scraped every second, with the API key in `keyFile` where there is one. */
export interface ScrapeJob {
  readonly name: string
  readonly port: number
  readonly keyFile?: string
}

export const startPrometheus = async (jobs: readonly ScrapeJob[]): Promise<Prometheus> => {
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: jobs.map(({ name, port: target, keyFile }) => ({
      job_name: name,
      static_configs: [{ targets: [`127.0.0.1:${target}`] }],
      ...(keyFile !== undefined && { authorization: { credentials_file: keyFile } }),
    })),
  }
  const words = ['--storage.tsdb.path=data']
  const { url, stop } = await startWebProgram('prometheus', PROMETHEUS_SERVER, words, configuration)
  const ask = async (path: string, query: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)
    const { status, data, error } = (await response.json()) as Answer
    if (status !== 'success') throw new Error(`${query['query']}: ${error}`)
    return data.result
  }
  return {
    value: async (query, atMs) => {
      const [found] = await ask('query', {
        query,
        ...(atMs !== undefined && { time: String(atMs / 1000) }),
      })
      return Number((found as { readonly value?: readonly [number, string] } | undefined)?.value?.[1])
    },
    series: async (query) =>
      (await ask('query', { query })).map((found) => {
        const { metric, values, value } = found as FoundSeries
        return { metric, values: (values ?? [value!]).map(([at, text]) => [at, Number(text)]) }
      }),
    stop,
  }
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly unknown[] }
}

interface FoundSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly values?: readonly (readonly [number, string])[]
  readonly value?: readonly [number, string]
}

/** What `promtool check metrics`, which stands beside the server, finds wrong with a page of metrics. */
export const lintMetrics = async (page: string): Promise<string> =>
  (await promtool(['check', 'metrics'], page)).said

/** Runs the tool that stands beside the server. */
export const promtool = async (
  words: readonly string[],
  input = '',
): Promise<{ readonly said: string; readonly exitCode: number | null }> => {
  const tool = execFile(join(dirname(PROMETHEUS_SERVER ?? ''), 'promtool'), words)
  let said = ''
  tool.stdout?.on('data', (text) => {
    said += text
  })
  tool.stderr?.on('data', (text) => {
    said += text
  })
  tool.stdin?.end(input)
  const [exitCode] = (await once(tool, 'close')) as [number | null]
  return { said, exitCode }
}
