import { describe, expect, it } from 'vitest'
import { VigiaError } from '../errors.ts'
import type { LooksStatus, ServedLooks } from '../monitoring/served-looks.ts'
import { createTestServer } from './serving.test-kit.ts'

const FIGURES = {
  model: 'fraud',
  version: '3',
  date: '2026-11-30',
  severity: 'severe',
  statistic: 9.5,
  limit: 4.25,
  changedFeatures: 2,
  rows: 10_000,
  historyDays: 60,
  alertRate: 0.03,
  usualAlertRate: 0.01,
} as const

const REPORT = JSON.stringify({ schema: 1, severity: 'severe', looks: [], unforeseen: { nested: null } })

const looksOf = (status: Partial<LooksStatus> = {}): ServedLooks => ({
  status: () => ({ failures: 0, nextMs: undefined, ...status }),
  readReport: async (kind) => (kind === 'json' ? REPORT : '<!doctype html><p>drift'),
  runs: async () => [
    {
      scheduledForMs: Date.parse('2026-12-01T00:20:00Z'),
      attempt: 2,
      by: 'another',
      startedMs: Date.parse('2026-12-01T00:20:01Z'),
      endedMs: null,
      outcome: 'under way',
      detail: '',
      againMs: null,
    },
    {
      scheduledForMs: Date.parse('2026-12-01T00:20:00Z'),
      attempt: 1,
      by: 'one',
      startedMs: Date.parse('2026-12-01T00:20:00Z'),
      endedMs: Date.parse('2026-12-01T00:20:01Z'),
      outcome: 'failed',
      detail: 'no room',
      againMs: Date.parse('2026-12-01T00:30:01Z'),
    },
  ],
})

const KEYS = [
  { name: 'desk', sha256: Buffer.alloc(32), scopes: new Set(['read', 'predict'] as const) },
] as const

describe('GET /monitoring', () => {
  it('answers the latest report as it was kept, whatever is in it', async () => {
    const { app } = await createTestServer({ looks: looksOf() })
    const answer = await app.inject('/monitoring')
    expect([answer.statusCode, answer.headers['content-type'], answer.payload]).toEqual([
      200,
      'application/json; charset=utf-8',
      REPORT,
    ])
    await app.close()
  })

  it('has a page, which may show its own styles and pictures and run nothing', async () => {
    const { app } = await createTestServer({ looks: looksOf() })
    const { statusCode, headers, payload } = await app.inject('/monitoring/page')
    expect([statusCode, headers['content-type'], payload]).toEqual([
      200,
      'text/html; charset=utf-8',
      '<!doctype html><p>drift',
    ])
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; style-src 'unsafe-inline'/)
    expect(headers['content-security-policy']).not.toContain('script')
    await app.close()
  })

  it('lists who looked when, and when the next look is due', async () => {
    const { app } = await createTestServer({ looks: looksOf({ nextMs: Date.parse('2026-12-02T00:20:00Z') }) })
    expect((await app.inject('/monitoring/runs')).json()).toEqual({
      next_at: '2026-12-02T00:20:00.000Z',
      runs: [
        {
          scheduled_for: '2026-12-01T00:20:00.000Z',
          attempt: 2,
          by: 'another',
          started_at: '2026-12-01T00:20:01.000Z',
          ended_at: null,
          outcome: 'under way',
          detail: '',
          again_at: null,
        },
        {
          scheduled_for: '2026-12-01T00:20:00.000Z',
          attempt: 1,
          by: 'one',
          started_at: '2026-12-01T00:20:00.000Z',
          ended_at: '2026-12-01T00:20:01.000Z',
          outcome: 'failed',
          detail: 'no room',
          again_at: '2026-12-01T00:30:01.000Z',
        },
      ],
    })
    await app.close()
  })

  it.each(['/monitoring', '/monitoring/page'])('%s says why there is no report yet', async (url) => {
    const reason = 'none has been taken yet; the next look is due at noon'
    const none = new VigiaError('MONITORING_NO_REPORT', { folder: 'reports', reason })
    const { app } = await createTestServer({
      looks: { ...looksOf(), readReport: () => Promise.reject(none) },
    })
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.json().error]).toMatchObject([
      404,
      { code: 'MONITORING_NO_REPORT', message: expect.stringContaining('due at noon') },
    ])
    await app.close()
  })

  it.each(['/monitoring', '/monitoring/page', '/monitoring/runs'])(
    '%s says so where no looks are taken, and asks for a key where there are keys',
    async (url) => {
      const { app } = await createTestServer()
      const answer = await app.inject(url)
      expect([answer.statusCode, answer.json().error.message]).toEqual([
        404,
        expect.stringContaining('monitoring.enabled'),
      ])
      await app.close()
      const guarded = await createTestServer({ keys: KEYS, looks: looksOf() })
      expect((await guarded.app.inject(url)).statusCode).toBe(401)
      await guarded.app.close()
    },
  )
})

describe('GET /metrics', () => {
  const linesOf = async (looks?: ServedLooks) => {
    const { app } = await createTestServer(looks && { looks })
    const { payload } = await app.inject('/metrics')
    await app.close()
    return payload.match(/^vigia_look_\S+ .*$/gm) ?? []
  }

  it('tells what the latest look measured, of the model that it was at', async () => {
    const latest = { figures: FIGURES, endedMs: 1_700_000_000_500, durationMs: 2500 }
    expect(await linesOf(looksOf({ latest, failures: 3 }))).toEqual([
      'vigia_look_timestamp_seconds{model="fraud",version="3"} 1700000000.5',
      `vigia_look_day_timestamp_seconds{model="fraud",version="3"} ${Date.parse('2026-11-30') / 1000}`,
      'vigia_look_severity{model="fraud",version="3"} 2',
      'vigia_look_statistic{model="fraud",version="3"} 9.5',
      'vigia_look_limit{model="fraud",version="3"} 4.25',
      'vigia_look_changed_features{model="fraud",version="3"} 2',
      'vigia_look_rows{model="fraud",version="3"} 10000',
      'vigia_look_alert_ratio{model="fraud",version="3"} 0.03',
      'vigia_look_duration_seconds{model="fraud",version="3"} 2.5',
      'vigia_look_failures_total 3',
    ])
  })

  it('has no limit where there was none, and nothing but failures before the first look', async () => {
    const latest = { figures: { ...FIGURES, limit: null, statistic: null }, endedMs: 1000, durationMs: 1 }
    const names = (await linesOf(looksOf({ latest }))).map((line) => line.split(/[{ ]/)[0])
    expect(names).not.toContain('vigia_look_limit')
    expect(names).toContain('vigia_look_rows')
    expect(await linesOf(looksOf())).toEqual(['vigia_look_failures_total 0'])
    expect(await linesOf()).toEqual(['vigia_look_failures_total 0'])
  })
})
