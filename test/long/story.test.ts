import { afterAll, beforeAll, expect, test } from 'vitest'
import { PlayedStory } from '../story/played-story.ts'
import { DRIFT_DAY, FIRST_SERVED_DAY, precisionAtBudget } from '../story/story-bank.ts'

const story = new PlayedStory()
afterAll(() => story.close())

beforeAll(async () => {
  await story.begin(150)
  await story.start(['monitoring.enabled=false', 'retraining.enabled=false'])
  const b = Date.now()
  await story.days(FIRST_SERVED_DAY, 99, { looks: false })
  console.log('quiet played', Date.now() - b, 'ms')
  await story.server.stop()
  await story.start([])
})

test('probe', async () => {
  for (let day = 99; day < 125; day++) {
    const b = Date.now()
    await story.day(day)
    const report = await story.ask<any>('/monitoring')
    console.log(day, Date.now() - b, 'ms', 'flagged', story.decided.get(day)!.filter((r) => r.isFlagged).length, 'p', precisionAtBudget([story.decided.get(day)!]).toFixed(2), report.looks?.at(-1)?.severity, JSON.stringify(report.quality?.days?.at(-1)?.faults?.map((f: any) => f.kind)), story.passed().join('>'), story.trail().at(-1)?.why)
    console.log(story.desk.messages().slice(-3), story.desk.mails.length, story.desk.toldOn?.().length)
  }
  expect(DRIFT_DAY).toBe(100)
})
