import { expect, test } from 'vitest'
import { type RetrainingJobsOptions, retrainingJobs } from './retraining-jobs.ts'

const signal = new AbortController().signal

const jobsOf = (schedule: string, more: Partial<RetrainingJobsOptions> = {}) =>
  retrainingJobs({
    settings: { steps: '17 * * * *', schedule },
    model: 'fraud',
    advance: async () => 'waiting: labels mature',
    call: () => Promise.reject(new Error('nobody calls')),
    ...more,
  })

test('without a schedule there are steps alone, and what came of them is for the audit', async () => {
  const jobs = jobsOf('')
  expect(jobs.map(({ name, cron }) => [name, cron])).toEqual([['retraining of fraud', '17 * * * *']])
  expect(await jobs[0]!.run(0, signal)).toEqual({ detail: 'waiting: labels mature' })
})

test('a step that was killed is begun again: it does no harm twice', () => {
  for (const job of jobsOf('0 3 1 * *')) expect(job.attempts).toBeGreaterThan(1)
})

test('at the times of the schedule there is a trigger that is named by its time, and no step', async () => {
  const told: unknown[] = []
  const [, trigger] = jobsOf('0 3 1 * *', {
    advance: () => Promise.reject(new Error('no step')),
    call: async (found) => {
      told.push(found)
    },
  })
  const dueMs = Date.UTC(2026, 11, 1, 3)
  await trigger!.run(dueMs, signal)
  expect(trigger!.cron).toBe('0 3 1 * *')
  expect(told).toEqual([{ id: 'schedule 2026-12-01T03:00:00.000Z', finding: { kind: 'schedule', dueMs } }])
})
