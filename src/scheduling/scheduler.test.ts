import { describe, expect, it } from 'vitest'
import { LONGEST_RUN_JOURNAL } from './run-book.ts'
import { AlmostDone } from './scheduled-job.ts'
import { CLAIM_MS, HOUR_MS, MINUTE_MS, openSite } from './scheduler.test-kit.ts'
import { latestMeasured, type Scheduler } from './scheduler.ts'

const DAY_MS = 24 * HOUR_MS

describe('a job', () => {
  it('runs at its times from when it is first known, and makes up for none before', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start()
    await site.pass(2 * DAY_MS)
    expect(one.begun).toEqual(['2026-11-02T00:20Z', '2026-11-03T00:20Z'])
    expect(one.ended.map(({ outcome, detail, by }) => [outcome, detail, by])).toEqual([
      ['done', 'looked', 'process 1'],
      ['done', 'looked', 'process 1'],
    ])
    expect(one.missed).toEqual([])
  })

  it.each([
    [
      'Europe/Madrid',
      '2026-03-28T00:00:00Z',
      ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'Europe/Madrid',
      '2026-10-24T00:00:00Z',
      ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'America/New_York',
      '2026-03-07T00:00:00Z',
      ['2026-03-07T07:30Z', '2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ],
  ])(
    'at half past two in %s from %s runs once a day over daylight saving',
    async (timeZone, start, times) => {
      const site = openSite(start, 5 * MINUTE_MS)
      const one = site.start({ job: { cron: '30 2 * * *', timeZone } })
      await site.pass(3 * DAY_MS)
      expect(one.begun).toEqual(times)
      expect(one.missed).toEqual([])
    },
  )

  it('at half past one in New York runs once on the day that has half past one twice', async () => {
    const site = openSite('2026-10-31T12:00:00Z')
    const one = site.start({ job: { cron: '30 1 * * *', timeZone: 'America/New_York' } })
    await site.pass(2 * DAY_MS)
    expect(one.begun).toEqual(['2026-11-01T05:30Z', '2026-11-02T06:30Z'])
  })

  it('that fails is told and audited, and runs at its next time', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start({ isSlow: true })
    await site.pass(13 * HOUR_MS)
    await one.release(new Error('no room'))
    expect(one.ended).toMatchObject([{ outcome: 'failed', detail: 'no room' }])
    await site.pass(DAY_MS)
    expect(one.begun).toEqual(['2026-11-02T00:20Z', '2026-11-03T00:20Z'])
  })

  it('never has two runs at once: what comes due meanwhile is one late run, and the rest is told', async () => {
    const site = openSite('2026-11-01T00:50:00Z')
    const one = site.start({ isSlow: true, job: { cron: '0 * * * *' } })
    await site.pass(4 * HOUR_MS)
    expect(one.begun).toEqual(['2026-11-01T01:00Z'])
    await one.release()
    await site.pass(MINUTE_MS)
    expect(one.begun).toEqual(['2026-11-01T01:00Z', '2026-11-01T04:00Z'])
    expect(one.missed).toMatchObject([
      { count: 2, firstMs: Date.parse('2026-11-01T02:00Z'), lastMs: Date.parse('2026-11-01T03:00Z') },
    ])
  })
})

describe('a job that fails', () => {
  const job = { attempts: 3, pauseMs: (attempt: number) => 10 * attempt * MINUTE_MS }
  const fail = async (): Promise<never> => {
    throw new Error('no room')
  }
  /** The audit with when each run began. */
  const timesOf = async ({ scheduler }: { readonly scheduler: Scheduler }) =>
    [...(await scheduler.book()).runs.values()].map(
      ({ attempt, outcome, startedMs }) => `#${attempt} ${outcome} ${new Date(startedMs).toISOString()}`,
    )

  it('is tried again after growing pauses, as often as it allows and by one process each, and anew at its next time', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const [one] = [site.start({ job: { ...job, run: fail } }), site.start({ job: { ...job, run: fail } })]
    await site.pass(DAY_MS)
    const first = [
      '#1 failed 2026-11-02T00:20:00.000Z',
      '#2 failed 2026-11-02T00:30:00.000Z',
      '#3 failed 2026-11-02T00:50:00.000Z',
    ]
    expect(await timesOf(one!)).toEqual(first)
    await site.pass(DAY_MS)
    expect(await timesOf(one!)).toEqual([...first, ...first.map((run) => run.replace('11-02', '11-03'))])
  })

  it('and takes its process with it is tried no more often, and never at once: failures and kills count together', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    site.tellTheDead()
    const victim = site.start({ isSlow: true, job })
    await site.pass(12 * HOUR_MS + 20 * MINUTE_MS)
    victim.kill()
    // Started again at once, as in a container that was ended for its memory.
    const second = site.start({ isSlow: true, job })
    await site.turn()
    expect(second.begun).toEqual([])
    expect(second.ended).toMatchObject([{ outcome: 'lost', by: 'process 1' }])
    await site.pass(10 * MINUTE_MS)
    expect(second.begun).toHaveLength(1)
    await second.release(new Error('no room'))
    await site.pass(25 * MINUTE_MS)
    expect(second.begun).toHaveLength(2)
    second.kill()
    const third = site.start({ job })
    await site.pass(10 * HOUR_MS)
    expect(third.begun).toEqual([])
    expect(await site.audit()).toEqual([
      '2026-11-02T00:20Z #1 process 1 lost',
      '2026-11-02T00:20Z #2 process 2 failed',
      '2026-11-02T00:20Z #3 process 2 lost',
    ])
    await site.pass(DAY_MS)
    expect(third.begun).toEqual(['2026-11-03T00:20Z'])
  })

  it('that makes up for nothing is tried again all the same, while somebody is there', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start({ job: { ...job, missed: 'skip', run: fail } })
    await site.pass(14 * HOUR_MS)
    expect(await timesOf(one)).toHaveLength(3)
  })

  it('is not tried again while its next time has come', async () => {
    const site = openSite('2026-11-01T12:30:00Z')
    const one = site.start({
      job: { attempts: 5, cron: '0 * * * *', pauseMs: () => 40 * MINUTE_MS, run: fail },
    })
    await site.pass(2 * HOUR_MS)
    expect(await timesOf(one)).toEqual([
      '#1 failed 2026-11-01T13:00:00.000Z',
      '#2 failed 2026-11-01T13:40:00.000Z',
      '#1 failed 2026-11-01T14:00:00.000Z',
    ])
  })

  it('with little left to do is tried until that is done, and keeps what it has measured', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    let tries = 0
    const run = async () => {
      if (++tries < 6) throw new AlmostDone({ rows: 7 }, new Error('nobody listens'))
      return { detail: 'told' }
    }
    const one = site.start({ job: { pauseMs: () => 10 * MINUTE_MS, run } })
    await site.pass(DAY_MS)
    const runs = [...(await one.scheduler.book()).runs.values()]
    expect(runs.map(({ outcome }) => outcome)).toEqual([...Array<string>(5).fill('failed'), 'done'])
    expect(runs[0]).toMatchObject({ detail: 'nobody listens', figures: { rows: 7 } })
    expect(latestMeasured(await one.scheduler.book(), 'looks')).toBe(runs[4])
  })
})

describe('after a time when nobody was there', () => {
  it('the latest missed time runs once on the start, and the older ones are told', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const before = site.start()
    await site.pass(DAY_MS)
    before.kill()
    site.jump(3 * DAY_MS)
    const after = site.start()
    await site.turn()
    await site.pass(HOUR_MS)
    expect(after.begun).toEqual(['2026-11-05T00:20Z'])
    expect(after.missed).toMatchObject([
      {
        job: 'looks',
        count: 2,
        firstMs: Date.parse('2026-11-03T00:20Z'),
        lastMs: Date.parse('2026-11-04T00:20Z'),
      },
    ])
    expect((await after.scheduler.book()).missed).toEqual(after.missed)
  })

  it('or none of them, where the job says so', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    site.start({ job: { missed: 'skip' } }).kill()
    const before = site.start({ job: { missed: 'skip' } })
    await site.turn()
    before.kill()
    site.jump(DAY_MS)
    const after = site.start({ job: { missed: 'skip' } })
    await site.turn()
    expect([after.begun, after.missed.map(({ count }) => count)]).toEqual([[], [1]])
    await site.pass(DAY_MS)
    expect(after.begun).toEqual(['2026-11-03T00:20Z'])
  })

  it('a restart of some minutes is no such time', async () => {
    const site = openSite('2026-11-01T23:00:00Z')
    const before = site.start({ job: { missed: 'skip' } })
    await site.turn()
    before.kill()
    site.jump(85 * MINUTE_MS)
    const after = site.start({ job: { missed: 'skip' } })
    await site.turn()
    expect(after.begun).toEqual(['2026-11-02T00:20Z'])
  })

  it('a changed expression makes up for nothing', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const before = site.start()
    await site.pass(DAY_MS)
    before.kill()
    const after = site.start({ job: { cron: '*/5 * * * *' } })
    await site.turn()
    expect([after.begun, after.missed]).toEqual([[], []])
    await site.pass(10 * MINUTE_MS)
    expect(after.begun).toEqual(['2026-11-02T12:05Z', '2026-11-02T12:10Z'])
  })

  it('more missed times than can be counted are not counted to the end', async () => {
    const site = openSite('2026-11-01T12:00:30Z')
    const before = site.start({ job: { cron: '* * * * *' } })
    await site.turn()
    before.kill()
    site.jump(30 * DAY_MS)
    const after = site.start({ job: { cron: '* * * * *' } })
    await site.turn()
    expect(after.missed).toMatchObject([{ count: 1000, lastMs: Date.parse('2026-12-01T11:59Z') }])
    expect(after.begun).toEqual(['2026-12-01T12:00Z'])
  })
})

describe('two processes on one journal', () => {
  it('run each time once', async () => {
    const site = openSite('2026-11-01T12:00:00Z', 10 * MINUTE_MS)
    const [one, two] = [site.start(), site.start({ aheadMs: 40_000 })]
    await site.pass(30 * DAY_MS)
    const all = [...one.begun, ...two.begun]
    expect(all).toHaveLength(30)
    expect(new Set(all).size).toBe(30)
    expect([one.missed, two.missed]).toEqual([[], []])
  })

  it('take turns: while one runs, the other begins nothing', async () => {
    const site = openSite('2026-11-01T00:50:00Z')
    const one = site.start({ isSlow: true, job: { cron: '0 * * * *' } })
    const two = site.start({ job: { cron: '0 * * * *' } })
    await site.pass(3 * HOUR_MS)
    expect([one.begun, two.begun]).toEqual([['2026-11-01T01:00Z'], []])
    await one.release()
    await site.pass(2 * MINUTE_MS)
    expect([...one.begun, ...two.begun].toSorted()).toEqual(['2026-11-01T01:00Z', '2026-11-01T03:00Z'])
  })

  it('which of them began a run stands in the audit', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    site.start()
    site.start()
    await site.pass(DAY_MS)
    expect(await site.audit()).toEqual(['2026-11-02T00:20Z #1 process 1 done'])
  })
})

describe('a process that is killed between its claim and the end', () => {
  it('leaves a claim that ends by itself: its run is lost, and is not begun again where the job allows one', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const [one, two] = [site.start({ isSlow: true }), site.start()]
    await site.pass(12 * HOUR_MS + 21 * MINUTE_MS)
    one.kill()
    await site.pass(CLAIM_MS - MINUTE_MS)
    expect(two.ended).toEqual([])
    await site.pass(2 * MINUTE_MS)
    expect(two.ended).toMatchObject([{ outcome: 'lost', by: 'process 1' }])
    await site.pass(DAY_MS)
    expect(await site.audit()).toEqual([
      '2026-11-02T00:20Z #1 process 1 lost',
      '2026-11-03T00:20Z #1 process 2 done',
    ])
  })

  it('has its run begun again as often as the job allows, by whoever is there', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const job = { attempts: 3 }
    for (let n = 0; n < 4; n++) {
      const victim = site.start({ isSlow: true, job })
      await site.pass(n === 0 ? 13 * HOUR_MS : 2 * CLAIM_MS)
      victim.kill()
    }
    const last = site.start({ job })
    await site.pass(4 * CLAIM_MS)
    expect(last.begun).toEqual([])
    expect(await site.audit()).toEqual([
      '2026-11-02T00:20Z #1 process 1 lost',
      '2026-11-02T00:20Z #2 process 2 lost',
      '2026-11-02T00:20Z #3 process 3 lost',
    ])
  })

  it('is not waited for where its machine knows that it has ended', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    site.tellTheDead()
    const victim = site.start({ isSlow: true })
    await site.pass(12 * HOUR_MS + 20 * MINUTE_MS)
    victim.kill()
    const next = site.start({ job: { attempts: 2 } })
    await site.turn()
    expect(next.begun).toEqual(['2026-11-02T00:20Z'])
    expect(await site.audit()).toEqual([
      '2026-11-02T00:20Z #1 process 1 lost',
      '2026-11-02T00:20Z #2 process 2 done',
    ])
  })
})

describe('a process that stands still for longer than its claim', () => {
  it('has its run taken over, and learns of it at its next turn: it is aborted', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start({ isSlow: true })
    const two = site.start({ job: { attempts: 2 } })
    await site.pass(12 * HOUR_MS + 20 * MINUTE_MS)
    one.freeze()
    await site.pass(2 * CLAIM_MS)
    expect(two.begun).toEqual(['2026-11-02T00:20Z'])
    expect(one.isAborted()).toBe(false)
    one.thaw()
    await site.pass(MINUTE_MS)
    expect(one.isAborted()).toBe(true)
    expect(one.ended).toMatchObject([
      { outcome: 'lost', detail: expect.stringContaining('taken from this process') },
    ])
    expect(await site.audit()).toEqual([
      '2026-11-02T00:20Z #1 process 1 lost',
      '2026-11-02T00:20Z #2 process 2 done',
    ])
  })

  it('keeps its run when it turns in time, however long it takes', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start({ isSlow: true })
    const two = site.start({ job: { attempts: 2 } })
    await site.pass(20 * HOUR_MS)
    await one.release()
    expect([one.begun, two.begun, one.isAborted()]).toEqual([['2026-11-02T00:20Z'], [], false])
    expect(one.ended).toMatchObject([{ outcome: 'done' }])
  })
})

describe('a process that closes', () => {
  it('ends its run as stopped, and the next start runs it again where the job allows it', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const job = { attempts: 2 }
    const one = site.start({ isSlow: true, job })
    await site.pass(12 * HOUR_MS + 20 * MINUTE_MS)
    await one.scheduler.stop()
    one.kill()
    expect(one.ended).toMatchObject([{ outcome: 'stopped' }])
    const two = site.start({ job })
    await site.turn()
    expect(two.begun).toEqual(['2026-11-02T00:20Z'])
  })
})

describe('a clock that is wrong', () => {
  it('by a year ahead for a while costs no more than the time that it was wrong', async () => {
    const site = openSite('2026-11-01T12:00:00Z')
    const one = site.start()
    site.jump(365 * DAY_MS)
    await site.turn()
    site.jump(-365 * DAY_MS)
    await site.pass(DAY_MS)
    expect(one.begun.at(-1)).toBe('2026-11-02T00:20Z')
  })
})

describe('the journal', () => {
  it('is written anew when it is long, and keeps what is needed', async () => {
    const site = openSite('2026-11-01T12:00:30Z')
    const one = site.start({ job: { cron: '* * * * *' } })
    await site.pass(LONGEST_RUN_JOURNAL * MINUTE_MS)
    expect(site.place.lines.length).toBeLessThan(LONGEST_RUN_JOURNAL)
    // The first turn learns of the job.
    expect(one.begun).toHaveLength(LONGEST_RUN_JOURNAL - 1)
    const two = site.start({ job: { cron: '* * * * *' } })
    await site.turn()
    expect(two.begun).toEqual([])
    expect((await two.scheduler.book()).runs.size).toBeGreaterThan(200)
  })
})
