import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import {
  lintMetrics,
  PROMETHEUS_SERVER,
  PROMETHEUS_SERVER_MISSING,
  type Prometheus,
  startPrometheus,
} from './prometheus-server.ts'
import { freePort } from './redis-server.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const KEY = 'the key of the tests'
const RATE = 50
const SECONDS = 16
/** Of 40 requests 37 are new transactions, 2 are invalid and 1 comes for the second time. */
const kindOf = (n: number): 'new' | 'invalid' | 'repeated' =>
  n % 40 === 39 ? 'repeated' : n % 20 === 12 ? 'invalid' : 'new'
const LABELLED = 30

interface Sent {
  readonly kind: ReturnType<typeof kindOf>
  readonly status: number
  readonly answeredAtMs: number
  readonly seconds: number
  readonly probability: number
  readonly riskLevel: string
}

/** A real Prometheus scrapes a real server every second while a load runs of which every request is known. */
describe.skipIf(PROMETHEUS_SERVER === undefined)(
  `what Prometheus knows of a server (${PROMETHEUS_SERVER ?? PROMETHEUS_SERVER_MISSING})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-prometheus-test-'))
    const sent: Sent[] = []
    let port: number
    let settings: string[]
    let server: VigiaServer
    let prometheus: Prometheus

    const ask = (path: string, body?: unknown) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { 'content-type': 'application/json', 'x-api-key': KEY },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      })
    const predict = async (n: number): Promise<Sent> => {
      const kind = kindOf(n)
      const transaction = smallTransaction(kind === 'repeated' ? n - 20 : n)
      const startedMs = performance.now()
      const response = await ask(
        '/predict',
        kind === 'invalid' ? { ...transaction, amount: 'much' } : transaction,
      )
      const { probability, risk_level: riskLevel } = (await response.json()) as {
        readonly probability: number
        readonly risk_level: string
      }
      return {
        kind,
        status: response.status,
        probability,
        riskLevel,
        answeredAtMs: Date.now(),
        seconds: (performance.now() - startedMs) / 1000,
      }
    }
    const those = (kind: Sent['kind']): readonly Sent[] => sent.filter((one) => one.kind === kind)
    const metricsPage = async (): Promise<string> => (await ask('/metrics')).text()

    beforeAll(async () => {
      port = await freePort()
      const keyFile = join(folder, 'key.txt')
      writeFileSync(keyFile, KEY)
      const scopes = ['predict', 'feedback', 'read', 'metrics']
      writeFileSync(
        join(folder, 'keys.json'),
        JSON.stringify([{ name: 'tests', sha256: sha256(KEY), scopes }]),
      )
      const run = await trainSmallModel(join(folder, 'trained'))
      settings = [`model.source=${run}`, 'security.keys=keys.json', `api.port=${port}`]
      server = await startVigiaServer(folder, settings)
      // Routes are compiled by their first requests; what is measured below is the load.
      await predict(-40)
      prometheus = await startPrometheus([
        { name: 'vigia', port, keyFile },
        { name: 'without-key', port },
      ])
      await wait(2000)
      const startedMs = Date.now()
      const answers: Promise<Sent>[] = []
      for (let n = 0; n < RATE * SECONDS; n++) {
        await wait(Math.max(0, startedMs + (n * 1000) / RATE - Date.now()))
        answers.push(predict(n))
      }
      sent.push(...(await Promise.all(answers)))
      const labels = Array.from({ length: LABELLED }, (_, n) => ({
        transaction_id: `small-${n}`,
        is_fraud: n % 3 === 0,
      }))
      const response = await ask('/feedback', { labels })
      expect(response.status).toBe(200)
      // Two more scrapes, so that all of it was seen.
      await wait(2500)
    })

    afterAll(async () => {
      await prometheus?.stop()
      await killVigiaServers()
      rmSync(folder, { recursive: true, force: true })
    })

    test('it reaches the server with a key, and is turned away without one', async () => {
      expect(await prometheus.value('up{job="vigia"}')).toBe(1)
      expect(await prometheus.value('up{job="without-key"}')).toBe(0)
      expect(await prometheus.value('vigia_ready')).toBe(1)
    })

    test('counts are those of what was sent', async () => {
      expect(sent.filter(({ kind, status }) => status !== (kind === 'invalid' ? 422 : 200))).toEqual([])
      // And one before the load.
      expect(await prometheus.value('sum(vigia_predictions_total)')).toBe(those('new').length + 1)
      expect(await prometheus.value('vigia_predictions_repeated_total')).toBe(those('repeated').length)
      const requests = 'vigia_http_request_duration_seconds_count{job="vigia",route="/predict"'
      expect(await prometheus.value(`${requests},status="422"}`)).toBe(those('invalid').length)
      expect(await prometheus.value(`${requests},status="200"}`)).toBe(
        sent.length - those('invalid').length + 1,
      )
      expect(await prometheus.value('sum(vigia_feedback_total{is_fraud="true"})')).toBe(LABELLED / 3)
      expect(await prometheus.value('sum(vigia_feedback_total)')).toBe(LABELLED)
      // What was refused was not decided on: a label of it is counted, and takes no place in the log.
      const undecided = Array.from({ length: LABELLED }, (_, n) => kindOf(n)).filter(
        (kind) => kind !== 'new',
      ).length
      expect(undecided).toBe(1)
      expect(await prometheus.value('sum(vigia_feedback_total{outcome="unknown"})')).toBe(undecided)
      expect(await prometheus.value('vigia_log_last_sequence')).toBe(
        those('new').length + 1 + LABELLED - undecided,
      )
    })

    test('rates are those at which it was sent, within five percent', async () => {
      const lastMs = Math.max(...sent.map(({ answeredAtMs }) => answeredAtMs))
      for (const [selector, kinds] of [
        ['status="200"', ['new', 'repeated']],
        ['status="422"', ['invalid']],
      ] as const) {
        const metric = `vigia_http_request_duration_seconds_count{job="vigia",route="/predict",${selector}}`
        const rate = await prometheus.value(`rate(${metric}[12s])`, lastMs)
        const inWindow = sent.filter(
          ({ kind, answeredAtMs }) => kinds.includes(kind as never) && answeredAtMs > lastMs - 12_000,
        ).length
        // A scrape more or less at an end of the window moves few requests of a second by that many.
        expect(Math.abs(rate / (inWindow / 12) - 1)).toBeLessThan(selector === 'status="200"' ? 0.05 : 0.15)
      }
    })

    test('latencies of the histogram are below those that the clients saw, and not by much more than the network takes', async () => {
      const seconds = sent.map((one) => one.seconds).sort((a, b) => a - b)
      const clientsMean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length
      const histogram = 'vigia_http_request_duration_seconds'
      const of = 'job="vigia",route="/predict",status="200"'
      const mean =
        (await prometheus.value(`${histogram}_sum{${of}}`)) /
        (await prometheus.value(`${histogram}_count{${of}}`))
      expect(mean).toBeGreaterThan(clientsMean / 20)
      expect(mean).toBeLessThan(clientsMean)
      const median = await prometheus.value(`histogram_quantile(0.5, rate(${histogram}_bucket{${of}}[15s]))`)
      expect(median).toBeGreaterThan(0)
      expect(median).toBeLessThan(seconds[Math.ceil(seconds.length / 2)]!)
      // Of a decision inside the server: no longer than the request around it.
      const decisions = 'vigia_prediction_duration_seconds'
      const inside =
        (await prometheus.value(`${decisions}_sum`)) / (await prometheus.value(`${decisions}_count`))
      expect(inside).toBeGreaterThan(0)
      expect(inside).toBeLessThan(mean)
    })

    test('scores and risk levels are distributed as the answers were', async () => {
      const first = those('new')
      const before = (await (await ask('/predictions/small--40')).json()) as {
        readonly probability: number
        readonly risk_level: string
      }
      const probabilities = [...first.map(({ probability }) => probability), before.probability]
      const levels = [...first.map(({ riskLevel }) => riskLevel), before.risk_level]
      for (const { metric, values } of await prometheus.series(
        'sum by (risk_level) (vigia_predictions_total)',
      ))
        expect([metric['risk_level'], values[0]![1]]).toEqual([
          metric['risk_level'],
          levels.filter((level) => level === metric['risk_level']).length,
        ])
      const buckets = await prometheus.series('vigia_prediction_probability_bucket')
      expect(buckets.length).toBeGreaterThan(10)
      for (const { metric, values } of buckets) {
        const bound = metric['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(metric['le'])
        expect([bound, values[0]![1]]).toEqual([bound, probabilities.filter((one) => one <= bound).length])
      }
      const sum = probabilities.reduce((total, one) => total + one, 0)
      expect(await prometheus.value('vigia_prediction_probability_sum')).toBeCloseTo(sum, 9)
    })

    test('its own tool finds nothing wrong with our metrics', async () => {
      const page = await metricsPage()
      const ours = page.split('\n').filter((line) => /^(# (HELP|TYPE) )?vigia_/.test(line))
      expect(ours.length).toBeGreaterThan(100)
      expect(await lintMetrics(`${ours.join('\n')}\n`)).toBe('')
      // The rest are of the client library and mean Node.js: no mistake in the format, whatever their names.
      expect(await lintMetrics(page)).not.toMatch(/error while linting|parse/i)
    })

    test('a killed server is seen to be down; after it was started again counters begin anew and the log goes on', async () => {
      const sequence = await prometheus.value('vigia_log_last_sequence')
      await server.kill()
      await wait(2500)
      expect(await prometheus.value('up{job="vigia"}')).toBe(0)
      server = await startVigiaServer(folder, settings)
      for (let n = 0; n < 25; n++)
        expect((await predict(10_000 * 40 + n)).status).toBe(
          200 + 222 * Number(kindOf(10_000 * 40 + n) === 'invalid'),
        )
      await wait(2500)
      expect(await prometheus.value('up{job="vigia"}')).toBe(1)
      expect(await prometheus.value('resets(process_cpu_seconds_total{job="vigia"}[1m])')).toBe(1)
      const again = await prometheus.value('sum(vigia_predictions_total)')
      expect(again).toBeGreaterThan(20)
      expect(await prometheus.value('vigia_log_last_sequence')).toBe(sequence + again)
    })
  },
)
