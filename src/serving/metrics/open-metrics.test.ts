import { Gauge, Histogram, Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { createTestServer } from '../serving.test-kit.ts'
import { OPEN_METRICS_TYPE, prefersOpenMetrics, renderOpenMetrics } from './open-metrics.ts'
import { createCounter, createHistogram } from './series.ts'

describe('what a scraper asks for', () => {
  it.each([
    ['application/openmetrics-text', true],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      true,
    ],
    ['application/openmetrics-text; version=1.0.0, text/plain', true],
    ['Application/OpenMetrics-Text;Version=1.0.0', true],
    ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.8', false],
    ['application/openmetrics-text;version=0.0.1;q=0.6,text/plain;version=0.0.4;q=0.3', false],
    ['application/openmetrics-text;q=0', false],
    ['text/plain', false],
    ['*/*', false],
    ['', false],
    [undefined, false],
  ])('%s: OpenMetrics %s', (accept, expected) => {
    expect(prefersOpenMetrics(accept)).toBe(expected)
  })
})

describe('OpenMetrics', () => {
  it('has families of counters without _total, bounds as floats, and examples of buckets', async () => {
    const registry = new Registry()
    createCounter(registry, { name: 'sent_total', help: 'Sent.', labelNames: ['to'] })('a "b"\\\n').value = 3
    const seconds = createHistogram(registry, {
      name: 'took_seconds',
      help: 'How long,\nin "seconds".',
      labelNames: [],
      bounds: [0.5, 1],
    })()
    seconds.observe(0.25)
    seconds.observe(0.75, 'ab'.repeat(16))
    seconds.observe(8)
    new Gauge({ name: 'full', help: 'Full.', registers: [registry] }).set(Number.POSITIVE_INFINITY)
    const text = await renderOpenMetrics(registry)
    expect(text.replace(/\d{10}\.\d{3}$/m, 'NOW').split('\n')).toEqual([
      '# TYPE sent counter',
      '# HELP sent Sent.',
      'sent_total{to="a \\"b\\"\\\\\\n"} 3',
      '# TYPE took_seconds histogram',
      '# HELP took_seconds How long,\\nin \\"seconds\\".',
      'took_seconds_bucket{le="0.5"} 1',
      `took_seconds_bucket{le="1.0"} 2 # {trace_id="${'ab'.repeat(16)}"} 0.75 NOW`,
      'took_seconds_bucket{le="+Inf"} 3',
      'took_seconds_sum 9',
      'took_seconds_count 3',
      '# TYPE full gauge',
      '# HELP full Full.',
      'full +Inf',
      '# EOF',
      '',
    ])
  })
})

it("histograms of prom-client's own, of collections of garbage among them, have no examples", async () => {
  const registry = new Registry()
  const pauses = new Histogram({
    name: 'pause_seconds',
    help: 'Pauses.',
    labelNames: ['kind'],
    buckets: [0.1, 1],
    registers: [registry],
  })
  pauses.observe({ kind: 'minor' }, 0.05)
  expect((await renderOpenMetrics(registry)).split('\n')).toEqual([
    '# TYPE pause_seconds histogram',
    '# HELP pause_seconds Pauses.',
    'pause_seconds_bucket{le="0.1",kind="minor"} 1',
    'pause_seconds_bucket{le="1.0",kind="minor"} 1',
    'pause_seconds_bucket{le="+Inf",kind="minor"} 1',
    'pause_seconds_sum{kind="minor"} 0.05',
    'pause_seconds_count{kind="minor"} 1',
    '# EOF',
    '',
  ])
})

describe('a server', () => {
  let server: Awaited<ReturnType<typeof createTestServer>>
  afterEach(() => server.app.close())
  const scrape = async (accept: string) => {
    const { payload, headers } = await server.app.inject({ url: '/metrics', headers: { accept } })
    return { payload, type: headers['content-type'], vary: headers['vary'] }
  }
  /** Families by their names and types, of either format. */
  const familiesOf = (text: string) =>
    Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type]) => [
      name.replace(/_total$/, ''),
      type,
    ])

  it('answers in either format, one after the other, with the same families, each once', async () => {
    server = await createTestServer()
    const plain = await scrape('text/plain')
    const open = await scrape('application/openmetrics-text')
    expect([plain.type, open.type]).toEqual(['text/plain; version=0.0.4; charset=utf-8', OPEN_METRICS_TYPE])
    expect([plain.vary, open.vary]).toEqual(['accept', 'accept'])
    const families = familiesOf(open.payload)
    expect(families).toEqual(familiesOf(plain.payload))
    expect(new Set(families.map(([name]) => name)).size).toBe(families.length)
    expect(familiesOf((await scrape('text/plain')).payload)).toEqual(families)
    expect((await scrape('text/plain')).payload).toContain('# TYPE vigia_predictions_total counter')
  })

  it('names the trace of a request, where it has one', async () => {
    server = await createTestServer()
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const ask = (headers: Record<string, string>) => server.app.inject({ url: '/model', headers })
    await ask({})
    expect((await scrape(OPEN_METRICS_TYPE)).payload).not.toContain('trace_id')
    await ask({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
    const { payload } = await scrape(OPEN_METRICS_TYPE)
    expect(payload).toMatch(
      new RegExp(
        `^vigia_http_request_duration_seconds_bucket\\{method="GET",route="/model",status="200",le="[\\d.]+"\\} \\d # \\{trace_id="${traceId}"\\} [\\d.e-]+ \\d{10}\\.\\d{3}$`,
        'm',
      ),
    )
    expect((await scrape('text/plain')).payload).not.toContain(traceId)
  })
})
