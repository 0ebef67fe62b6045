import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../errors.ts'
import type { ServedRetraining } from '../lifecycle/served-retraining.ts'
import { MODEL, openDesk } from '../retraining/retraining.test-kit.ts'
import type { ApiKey } from './safety/api-keys.ts'
import { createTestServer } from './serving.test-kit.ts'

/** Retraining after a request that was trained for and refused; the acts that were asked for. */
const retrainingOf = async (more: Partial<ServedRetraining> = {}) => {
  const desk = openDesk({ lifts: [3, 1] })
  await desk.look({ kind: 'request', id: 'r', by: 'ana', why: 'new card product', sinceMs: null })
  const book = await desk.book()
  const asked: (readonly string[])[] = []
  const retraining: ServedRetraining = {
    model: MODEL,
    book: async () => book,
    known: () => book,
    nextMs: () => Date.parse('2026-12-01T04:17:00Z'),
    failures: () => 2,
    request: async (why, by, sinceMs) => {
      asked.push(['request', why, by, ...(sinceMs === null ? [] : [new Date(sinceMs).toISOString()])])
    },
    cancel: async (why, by) => {
      asked.push(['cancel', why, by])
    },
    ...more,
  }
  return { retraining, asked }
}

describe('GET /retraining', () => {
  it('answers how it stands, and the audit trail with the newest first', async () => {
    const { retraining } = await retrainingOf()
    const { app } = await createTestServer({ retraining })
    const answer = (await app.inject('/retraining')).json()
    expect(answer).toMatchObject({
      model: MODEL,
      status: 'refused',
      next_at: '2026-12-01T04:17:00.000Z',
      episodes: [
        {
          kind: 'request',
          status: 'refused',
          challenger: { version: '4', source: 'models:/fraud/4' },
          verdict: 'worse',
          threshold: null,
          left_out: [],
        },
      ],
    })
    expect(answer.records.map(({ to }: { to: string }) => to)).toEqual([
      'refused',
      'comparing',
      'training',
      'waiting',
      'observed',
    ])
    expect(answer.records.at(-1)).toMatchObject({ from: null, why: 'ana asks for it: new card product' })
    expect(answer.records[0].figures['averagePrecision.champion']).toBeGreaterThan(0)
    const short = (await app.inject('/retraining?limit=1')).json()
    expect(short.records).toHaveLength(1)
    await app.close()
  })

  it('says so where the server does none', async () => {
    const { app } = await createTestServer()
    const answer = await app.inject('/retraining')
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'RETRAINING_NOT_ENABLED'])
    await app.close()
  })
})

describe('GET /retraining, by who asks', () => {
  const FOLDER = '/srv/bank/retraining/runs/7'
  const secrets = { desk: 'd'.repeat(32), chief: 'c'.repeat(32) }
  const keys = [
    { name: 'desk', sha256: createHash('sha256').update(secrets.desk).digest(), scopes: new Set(['read']) },
    {
      name: 'chief',
      sha256: createHash('sha256').update(secrets.chief).digest(),
      scopes: new Set(['read', 'admin']),
    },
  ] as unknown as readonly ApiKey[]

  /** A training that failed and named a file, and then one whose challenger lies in a folder. */
  const failedOnce = async () => {
    const desk = openDesk({ lifts: [3, 1] })
    const { train } = desk.works
    let isFirst = true
    Object.assign(desk.works, {
      train: async (...of: Parameters<typeof train>) => {
        if (isFirst) {
          isFirst = false
          throw new VigiaError('RETRAINING_NOT_REGISTERED', { folder: FOLDER, model: MODEL })
        }
        return { ...(await train(...of)), source: FOLDER, run: FOLDER }
      },
    })
    const why = `new cards, see ${FOLDER}/notes.txt`
    await desk.look({ kind: 'request', id: 'r', by: 'ana', why, sinceMs: null })
    await desk.pass(2)
    const { retraining } = await retrainingOf()
    const book = await desk.book()
    return createTestServer({ retraining: { ...retraining, book: async () => book }, keys })
  }

  it('has no folders and no texts of errors for whoever may only read, and all of it for an admin', async () => {
    const { app } = await failedOnce()
    const ask = async (who: keyof typeof secrets) =>
      (await app.inject({ url: '/retraining', headers: { 'x-api-key': secrets[who] } })).json()
    const read = await ask('desk')
    expect(JSON.stringify(read)).not.toContain('srv')
    expect(read.episodes[0].challenger).toEqual({ version: '4', source: null })
    expect(read.records.map(({ code }: { code: string | null }) => code)).toContain(
      'RETRAINING_NOT_REGISTERED',
    )
    expect(read.records.map(({ why }: { why: string }) => why)).toContain(
      'it failed once: RETRAINING_NOT_REGISTERED',
    )
    const all = await ask('chief')
    expect(all.episodes[0].challenger).toEqual({ version: '4', source: FOLDER })
    expect(all.records[0].run).toBe(FOLDER)
    expect(JSON.stringify(all.records)).toContain(`The challenger of ${FOLDER}`)
    await app.close()
  })
})

describe('POST /retraining/request and /cancel', () => {
  it('ask for it with a reason, in the name of who asks', async () => {
    const { retraining, asked } = await retrainingOf()
    const { app } = await createTestServer({ retraining })
    const post = (act: string, payload: object) =>
      app.inject({ method: 'POST', url: `/retraining/${act}`, payload })
    expect((await post('request', { why: 'new card product', by: 'ana' })).statusCode).toBe(200)
    expect((await post('cancel', { why: 'wrong alarm' })).statusCode).toBe(200)
    expect(asked).toEqual([
      ['request', 'new card product', 'ana (127.0.0.1)'],
      ['cancel', 'wrong alarm', '127.0.0.1'],
    ])
    for (const payload of [{}, { why: ' ' }, { why: 'x', whom: 'y' }])
      expect((await post('request', payload)).statusCode).toBe(422)
    expect(asked).toHaveLength(2)
    await app.close()
  })

  it('tell since when things have changed, as a day of the past', async () => {
    const { retraining, asked } = await retrainingOf()
    const { app } = await createTestServer({ retraining })
    const post = (act: string, since: string) =>
      app.inject({ method: 'POST', url: `/retraining/${act}`, payload: { why: 'new card', since } })
    expect((await post('request', '2026-01-31')).statusCode).toBe(200)
    expect(asked).toEqual([['request', 'new card', '127.0.0.1', '2026-01-31T00:00:00.000Z']])
    for (const since of ['2026-02-30', '31/01/2026', '9999-01-01', '']) {
      const answer = await post('request', since)
      expect([since, answer.statusCode]).toEqual([since, 422])
    }
    // What is ended has no day since which things changed.
    expect((await post('cancel', '2026-01-31')).statusCode).toBe(422)
    expect(asked).toHaveLength(1)
    await app.close()
  })

  it('say that there is nothing to end', async () => {
    const { retraining } = await retrainingOf({
      cancel: () => Promise.reject(new VigiaError('RETRAINING_NOTHING_RUNS', { model: MODEL })),
    })
    const { app } = await createTestServer({ retraining })
    const answer = await app.inject({ method: 'POST', url: '/retraining/cancel', payload: { why: 'x' } })
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'RETRAINING_NOTHING_RUNS'])
    await app.close()
  })

  it('want the scope admin', async () => {
    const { retraining, asked } = await retrainingOf()
    const keys = [{ name: 'desk', sha256: Buffer.alloc(32), scopes: new Set(['read'] as const) }] as const
    const { app } = await createTestServer({ retraining, keys })
    for (const act of ['request', 'cancel']) {
      const answer = await app.inject({
        method: 'POST',
        url: `/retraining/${act}`,
        payload: { why: 'x' },
      })
      expect(answer.statusCode).toBe(401)
    }
    expect(asked).toEqual([])
    await app.close()
  })
})

describe('GET /metrics', () => {
  const linesOf = async (retraining?: ServedRetraining) => {
    const { app } = await createTestServer(retraining && { retraining })
    const { payload } = await app.inject('/metrics')
    await app.close()
    return payload.match(/^vigia_retraining_\S+ .*$/gm) ?? []
  }

  it('tells the status, how retrainings ended and when the last step was', async () => {
    const { retraining } = await retrainingOf()
    const lines = await linesOf(retraining)
    expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
      `vigia_retraining_status{model="${MODEL}",status="refused"} 1`,
      `vigia_retraining_episodes_total{model="${MODEL}",outcome="refused"} 1`,
    ])
    const { atMs } = retraining.known().records.at(-1)!
    expect(lines).toContain(`vigia_retraining_last_step_timestamp_seconds{model="${MODEL}"} ${atMs / 1000}`)
    expect(lines).toContain('vigia_retraining_failures_total 2')
  })

  it('has no status of a server that trains nothing', async () => {
    expect(await linesOf()).toEqual(['vigia_retraining_failures_total 0'])
  })
})
