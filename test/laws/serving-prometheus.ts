import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { alarmsOf } from '../../src/serving/metrics/metric-row.ts'
import { METRICS, type MetricName, type MetricRow } from '../../src/serving/metrics/metric-table.ts'
import { eventually } from '../eventually.ts'
import {
  lintMetrics,
  PROMETHEUS_SERVER,
  PROMETHEUS_SERVER_MISSING,
  type Prometheus,
  startPrometheus,
} from '../integration/prometheus-server.ts'
import { freePort } from '../integration/redis-server.ts'
import { smallTransaction, trainSmallModel } from '../integration/small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from '../integration/vigia-server.ts'

const KEY = 'the key of the tests'
const REQUESTS = 800
/** Clients that send at the same time where no rate is asked for. */
const CLIENTS = 8
/** Of 40 requests 37 are new transactions, 2 are invalid and 1 comes for the second time. */
const kindOf = (n: number): 'new' | 'invalid' | 'repeated' =>
  n % 40 === 39 ? 'repeated' : n % 20 === 12 ? 'invalid' : 'new'
const LABELLED = 30

export interface PrometheusOptions {
  /** Sends so many requests a second and holds rates and latencies to it; otherwise counts alone. */
  readonly rate?: number
}

interface Sent {
  readonly kind: ReturnType<typeof kindOf>
  readonly status: number
  readonly answeredAtMs: number
  readonly seconds: number
  readonly probability: number
  readonly riskLevel: string
}

/**
 * Law: what a real Prometheus, which scrapes a real server every second, knows of it is what was sent. Every
 * request is known.
 */
export const prometheusKnows = ({ rate }: PrometheusOptions = {}): void => {
  describe.skipIf(PROMETHEUS_SERVER === undefined)(
    `what Prometheus knows of a server (${PROMETHEUS_SERVER ?? PROMETHEUS_SERVER_MISSING})`,
    () => {
      let folder: string
      const sent: Sent[] = []
      /** It is sent alone, before the others: routes are compiled by their first requests. */
      let first: Sent
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
      const answered = (): readonly Sent[] => [first, ...sent].filter(({ status }) => status === 200)
      const clientsSum = (): number => answered().reduce((sum, { seconds }) => sum + seconds, 0)
      const metricsPage = async (): Promise<string> => (await ask('/metrics')).text()

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'vigia-prometheus-test-'))
        port = await freePort()
        const keyFile = join(folder, 'key.txt')
        writeFileSync(keyFile, KEY)
        const scopes = ['predict', 'feedback', 'read', 'metrics']
        writeFileSync(
          join(folder, 'keys.json'),
          JSON.stringify([{ name: 'tests', sha256: sha256(KEY), scopes }]),
        )
        const run = await trainSmallModel()
        settings = [`model.source=${run}`, 'security.keys=keys.json', `api.port=${port}`]
        server = await startVigiaServer(folder, settings)
        first = await predict(-40)
        prometheus = await startPrometheus([
          { name: 'vigia', port, keyFile },
          { name: 'without-key', port },
        ])
        sent.push(...(await (rate === undefined ? sendAsClients(predict) : sendAtRate(predict, rate))))
        const labels = Array.from({ length: LABELLED }, (_, n) => ({
          transaction_id: `small-${n}`,
          is_fraud: n % 3 === 0,
        }))
        const response = await ask('/feedback', { labels })
        expect(response.status).toBe(200)
        const told = async () => [
          await prometheus.value(
            'sum(vigia_http_request_duration_seconds_count{job="vigia",route="/predict"})',
          ),
          await prometheus.value('sum(vigia_feedback_total{outcome!="delivered"})'),
        ]
        await eventually(async () => expect(await told()).toEqual([REQUESTS + 1, LABELLED]))
        // Each target is scraped at its own time: the other one may not have been reached yet.
        await eventually(async () => expect(await prometheus.value('count(up)')).toBe(2))
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
        expect(
          await prometheus.value('sum(vigia_feedback_total{is_fraud="true",outcome!="delivered"})'),
        ).toBe(LABELLED / 3)
        expect(await prometheus.value('sum(vigia_feedback_total{outcome!="delivered"})')).toBe(LABELLED)
        // What was refused was not decided on: a label of it waits for its transaction, in the log.
        const undecided = Array.from({ length: LABELLED }, (_, n) => kindOf(n)).filter(
          (kind) => kind !== 'new',
        ).length
        expect(undecided).toBe(1)
        expect(await prometheus.value('sum(vigia_feedback_total{outcome="waiting"})')).toBe(undecided)
        expect(await prometheus.value('vigia_labels_waiting')).toBe(undecided)
        // Labels of the history of training that came due are records too.
        const delivered = await prometheus.value('sum(vigia_feedback_total{outcome="delivered"})')
        expect(delivered).toBeGreaterThan(0)
        expect(await prometheus.value('vigia_log_last_sequence')).toBe(
          those('new').length + 1 + LABELLED + delivered,
        )
      })

      test.skipIf(rate === undefined)(
        'rates are those at which it was sent, within five percent',
        async () => {
          const lastMs = Math.max(...sent.map(({ answeredAtMs }) => answeredAtMs))
          for (const [selector, kinds] of [
            ['status="200"', ['new', 'repeated']],
            ['status="422"', ['invalid']],
          ] as const) {
            const metric = `vigia_http_request_duration_seconds_count{job="vigia",route="/predict",${selector}}`
            const scraped = await prometheus.value(`rate(${metric}[12s])`, lastMs)
            const inWindow = sent.filter(
              ({ kind, answeredAtMs }) => kinds.includes(kind as never) && answeredAtMs > lastMs - 12_000,
            ).length
            // A scrape more or less at an end of the window moves few requests of a second by that many.
            expect(Math.abs(scraped / (inWindow / 12) - 1)).toBeLessThan(
              selector === 'status="200"' ? 0.05 : 0.15,
            )
          }
        },
      )

      test('clients waited longer than requests took, and those longer than their decisions', async () => {
        const requests = await prometheus.value(`vigia_http_request_duration_seconds_sum${ANSWERED}`)
        const decisions = await prometheus.value('vigia_prediction_duration_seconds_sum')
        expect(decisions).toBeGreaterThan(0)
        expect(requests).toBeGreaterThan(decisions)
        expect(clientsSum()).toBeGreaterThan(requests)
      })

      test.skipIf(rate === undefined)(
        'latencies of the histogram are not far below those of the clients',
        async () => {
          const histogram = 'vigia_http_request_duration_seconds'
          const mean =
            (await prometheus.value(`${histogram}_sum${ANSWERED}`)) /
            (await prometheus.value(`${histogram}_count${ANSWERED}`))
          expect(mean).toBeGreaterThan(clientsSum() / answered().length / 20)
          const median = await prometheus.value(
            `histogram_quantile(0.5, rate(${histogram}_bucket${ANSWERED}[15s]))`,
          )
          expect(median).toBeGreaterThan(0)
          const seconds = sent.map((one) => one.seconds).sort((a, b) => a - b)
          expect(median).toBeLessThan(seconds[Math.ceil(seconds.length / 2)]!)
        },
      )

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

      test('no alarm of the table goes off while a server is well; the first event of its kind does set one off', async () => {
        const alarms = Object.entries<MetricRow>(METRICS).flatMap(([name, row]) =>
          alarmsOf(row).map(({ alarm }) => ({ name, alarm })),
        )
        const goneOff = async (): Promise<readonly string[]> => {
          const found = await Promise.all(alarms.map(({ alarm }) => prometheus.series(alarm)))
          return alarms.flatMap(({ name }, index) =>
            found[index]!.length > 0 && name !== SLOW_MACHINE ? [name] : [],
          )
        }
        expect(await goneOff()).toEqual([])
        const inSeconds = { ...smallTransaction(500_000), timestamp: Date.now() / 1000 }
        expect((await ask('/predict', inSeconds)).status).toBe(422)
        await eventually(async () => expect(await goneOff()).toEqual(['vigia_event_time_refused_total']))
      })

      test('its own tool finds nothing wrong with our metrics', async () => {
        const page = await metricsPage()
        const ours = page.split('\n').filter((line) => /^(# (HELP|TYPE) )?vigia_/.test(line))
        expect(ours.length).toBeGreaterThan(100)
        expect(await lintMetrics(`${ours.join('\n')}\n`)).toBe('')
        expect(await lintMetrics(page)).toBe('')
      })

      test('a killed server is seen to be down; started again it counts anew and its log goes on', async () => {
        const sequence = await prometheus.value('vigia_log_last_sequence')
        await server.kill()
        await eventually(async () => expect(await prometheus.value('up{job="vigia"}')).toBe(0))
        server = await startVigiaServer(folder, settings)
        for (const n of MORE) expect((await predict(n)).status).toBe(kindOf(n) === 'invalid' ? 422 : 200)
        await eventually(async () => {
          expect(await prometheus.value('up{job="vigia"}')).toBe(1)
          expect(await prometheus.value('resets(process_cpu_seconds_total{job="vigia"}[5m])')).toBe(1)
          const again = await prometheus.value('sum(vigia_predictions_total)')
          expect(again).toBe(MORE.filter((n) => kindOf(n) === 'new').length)
          expect(await prometheus.value('vigia_log_last_sequence')).toBe(sequence + again)
        })
      })
    },
  )
}

/** Answered requests for a decision, as Prometheus selects them. */
const ANSWERED = '{job="vigia",route="/predict",status="200"}'

/** Its alarm goes off on a machine with much else to do, whatever the server is. */
const SLOW_MACHINE = 'vigia_http_request_duration_seconds' satisfies MetricName

/** Sent after the server was killed. */
const MORE = Array.from({ length: 25 }, (_, n) => 400_000 + n)

/** Each client sends its next request when it has an answer. */
const sendAsClients = async (predict: (n: number) => Promise<Sent>): Promise<readonly Sent[]> => {
  const sent: Sent[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < REQUESTS) sent.push(await predict(next++))
    }),
  )
  return sent
}

/** At even intervals, whether or not earlier ones are answered. */
const sendAtRate = async (predict: (n: number) => Promise<Sent>, rate: number): Promise<readonly Sent[]> => {
  const startedMs = Date.now()
  const answers: Promise<Sent>[] = []
  for (let n = 0; n < REQUESTS; n++) {
    await wait(Math.max(0, startedMs + (n * 1000) / rate - Date.now()))
    answers.push(predict(n))
  }
  return Promise.all(answers)
}
