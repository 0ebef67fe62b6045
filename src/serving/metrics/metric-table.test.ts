import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestServer } from '../serving.test-kit.ts'
import { alarmsOf } from './metric-row.ts'
import { METRICS, type MetricRow } from './metric-table.ts'
import { renderMetricReference } from './render-reference.ts'

let server: Awaited<ReturnType<typeof createTestServer>>
/** Names and types of all families, as `/metrics` has them. */
let families: readonly (readonly [name: string, type: string])[]
beforeAll(async () => {
  server = await createTestServer()
  const { payload } = await server.app.inject('/metrics')
  families = Array.from(payload.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [
    name,
    type,
  ])
})
afterAll(() => server.app.close())

const ROWS: readonly (readonly [string, MetricRow])[] = Object.entries(METRICS)

describe('the table of metrics', () => {
  it('has a row for each metric of our own that a server registers, of its type, and no other', () => {
    const ours = families.filter(([name]) => name.startsWith('vigia_'))
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(ROWS.map(([name, { type }]) => [name, type])))
    expect(ours).toHaveLength(ROWS.length)
  })

  it('is what registers them: help and labels', () => {
    for (const [name, { help, labels = {} }] of ROWS) {
      const metric = server.metrics.registry.getSingleMetric(name) as unknown as Registered
      expect([name, metric.help]).toEqual([name, help])
      // Those that we count ourselves hold their labels themselves.
      if (metric.labelNames !== undefined) expect(metric.labelNames).toEqual(Object.keys(labels))
    }
  })

  it('has a unit that the name says', () => {
    for (const [name, { unit }] of ROWS) {
      const isTime = /_seconds(_total)?$/.test(name)
      expect([name, isTime]).toEqual([name, unit.startsWith('seconds')])
      expect([name, unit === 'bytes']).toEqual([name, name.endsWith('_bytes')])
    }
  })

  it('is in the reference, a row a metric, and no cell ends early', () => {
    const rows = renderMetricReference().match(/^\| `vigia_.*$/gm) ?? []
    expect(rows.map((row) => /^\| `(\w+)`/.exec(row)?.[1])).toEqual(ROWS.map(([name]) => name))
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(8)
  })

  it('has alarms about the metric itself', () => {
    for (const [name, row] of ROWS)
      for (const { alarm } of alarmsOf(row)) expect(alarm).toMatch(new RegExp(`\\b${name}(_bucket)?\\b`))
  })
})

interface Registered {
  readonly help: string
  readonly labelNames?: readonly string[]
}

describe('the names of all metrics, those of the process and of Node.js too', () => {
  it('end with _total where they count, and nowhere else', () => {
    expect(families.filter(([name, type]) => name.endsWith('_total') !== (type === 'counter'))).toEqual([])
    expect(new Set(families.map(([, type]) => type))).toEqual(new Set(['counter', 'gauge', 'histogram']))
  })

  it('are those of what the process takes, and of active resources by their type', () => {
    const names = families.map(([name]) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'process_cpu_seconds_total',
        'nodejs_active_resources',
        'nodejs_gc_duration_seconds',
      ]),
    )
  })
})
