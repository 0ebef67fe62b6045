import { describe, expect, test } from 'vitest'
import { DAY_MS, finding, lookOf, openDesk } from './alerts.test-kit.ts'

const KEY = 'vigia/fraud/drift/all'
const MISSED = 'vigia/fraud/monitoring/daily'
const CRITICAL = finding('critical')
const ANA = { by: 'ana' }

describe('an alert that is forgotten', () => {
  test('is told to be over where channels believe that it fires, and is gone', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    await desk.center.forget({ key: KEY }, ANA)
    expect(await desk.wait(1)).toEqual(['resolved'])
    expect([...(await desk.center.book()).states.keys()]).toEqual([])
  })

  test('is gone without a word where nobody was told', async () => {
    const desk = openDesk()
    await desk.look(finding('severe'))
    await desk.center.forget({ key: KEY }, ANA)
    expect(await desk.wait(1)).toEqual([])
    expect((await desk.center.book()).states.size).toBe(0)
    await expect(desk.center.forget({ key: KEY }, ANA)).rejects.toMatchObject({ code: 'ALERT_UNKNOWN' })
  })

  test('is told to be over by whoever has the channels, and gone then', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    const shell = desk.another({ channels: [] })
    await shell.forget({ key: KEY }, ANA)
    expect((await shell.book()).states.get(KEY)).toMatchObject({ status: 'ok', isForgotten: true })
    expect(await desk.wait(1)).toEqual(['resolved'])
    expect((await desk.center.book()).states.size).toBe(0)
  })

  test('begins anew when a look finds it again, also before it was gone', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    await desk.another({ channels: [] }).forget({ key: KEY }, ANA)
    desk.pass(1000)
    await desk.another({ channels: [] }).look(lookOf('again', [CRITICAL]))
    expect(await desk.wait(1)).toEqual(['resolved', 'fired'])
    expect((await desk.center.book()).states.get(KEY)?.isForgotten).toBeUndefined()
  })

  test('takes its dead letters with it', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'refused', reason: 'no such room' })
    await desk.look(CRITICAL, finding('critical', { segment: 'country=ES' }))
    expect((await desk.center.book()).dead.size).toBe(2)
    await desk.center.forget({ key: KEY }, ANA)
    const left = [...(await desk.center.book()).dead.values()]
    expect(left.map(({ notification }) => notification.segment)).toEqual(['country=ES'])
  })

  test('stands in the history', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    await desk.center.forget({ key: KEY }, ANA)
    expect((await desk.center.book()).audit).toContainEqual(
      expect.objectContaining({ by: 'ana', did: 'forgot it', key: KEY }),
    )
  })
})

describe('a look that is forgotten', () => {
  test('is missed no more', async () => {
    const desk = openDesk()
    await desk.look()
    expect(await desk.wait(48)).toEqual(['monitoring fired'])
    await desk.center.forget({ key: MISSED }, ANA)
    expect(await desk.wait(100)).toEqual(['monitoring resolved'])
    const { states, monitors } = await desk.center.book()
    expect([states.has(MISSED), monitors.size]).toEqual([false, 0])
  })

  test('can be forgotten before it is missed', async () => {
    const desk = openDesk()
    await desk.look()
    await desk.center.forget({ key: MISSED }, ANA)
    expect(await desk.wait(100)).toEqual([])
  })
})

test('a model that is forgotten takes all of its alerts and looks with it, and nothing of others', async () => {
  const desk = openDesk()
  await desk.look(CRITICAL, finding('critical', { segment: 'country=ES' }))
  await desk.center.look({ ...lookOf('other', [CRITICAL]), model: 'other' })
  await desk.center.deliver()
  await desk.center.forget({ model: 'fraud' }, ANA)
  const { states, monitors } = await desk.center.book()
  expect([...states.keys(), ...monitors.keys()]).toEqual(['vigia/other/drift/all', 'other/daily'])
  desk.pass(DAY_MS)
  await expect(desk.center.forget({ model: 'fraud' }, ANA)).rejects.toMatchObject({
    code: 'ALERT_MODEL_UNKNOWN',
    details: { known: 'other' },
  })
})
