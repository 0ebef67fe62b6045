import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { METRICS, type MetricName } from '../../src/serving/metrics/metric-table.ts'
import { PROMETHEUS_SERVER, PROMETHEUS_SERVER_MISSING, promtool } from './prometheus-server.ts'

const RULES = 'examples/prometheus/vigia.rules.yml'

const skipped = PROMETHEUS_SERVER === undefined ? ` (skipped: ${PROMETHEUS_SERVER_MISSING})` : ''
describe.skipIf(PROMETHEUS_SERVER === undefined)(`the rules for Prometheus${skipped}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-rules-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('are rules, as its own tool says', async () => {
    const { said, exitCode } = await promtool(['check', 'rules', RULES])
    expect([exitCode, said]).toEqual([0, expect.stringMatching(/SUCCESS: \d\d rules found/)])
  })

  test('tell of what fires, by its severity, and of a channel that is broken; of what is well they tell nothing', async () => {
    copyFileSync(RULES, join(folder, 'vigia.rules.yml'))
    const labels = { model: 'fraud', kind: 'drift', severity: 'severe', instance: 'a' }
    const alertAt = (minute: number, alertname: string, alerts: readonly object[]) => ({
      eval_time: `${minute}m`,
      alertname,
      exp_alerts: alerts,
    })
    const cases = {
      rule_files: ['vigia.rules.yml'],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [
            {
              series: 'vigia_alerts_firing{model="fraud",kind="drift",severity="severe",instance="a"}',
              values: '2x10 _x10',
            },
            { series: 'vigia_alert_channel_broken{channel="pager",instance="a"}', values: '1x20' },
            { series: 'vigia_alert_channel_broken{channel="desk",instance="a"}', values: '0x20' },
            { series: 'vigia_ready{instance="a"}', values: '1x20' },
          ],
          alert_rule_test: [
            alertAt(0, 'VigiaAlertsFiring', []),
            alertAt(5, 'VigiaAlertsFiring', [
              {
                exp_labels: labels,
                exp_annotations: { summary: summaryOf('vigia_alerts_firing'), value: '2' },
              },
            ]),
            alertAt(19, 'VigiaAlertsFiring', []),
            alertAt(5, 'VigiaAlertChannelBroken', [
              {
                exp_labels: { channel: 'pager', instance: 'a', severity: 'critical' },
                exp_annotations: { summary: summaryOf('vigia_alert_channel_broken'), value: '1' },
              },
            ]),
            alertAt(5, 'VigiaNotReady', []),
          ],
        },
      ],
    }
    const path = join(folder, 'cases.yml')
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(cases))
    const { said, exitCode } = await promtool(['test', 'rules', path])
    expect([exitCode, said]).toEqual([0, expect.stringContaining('SUCCESS')])
  })
})

const summaryOf = (name: MetricName): string => `${name}: ${METRICS[name].help}`
