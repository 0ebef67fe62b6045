import { describe, expect, test } from 'vitest'
import { loadServingConfig } from './config-manager.ts'

const load = (...assignments: readonly string[]) =>
  loadServingConfig({ environment: {}, assignments, workingDirectory: '/srv/fraud' })

describe('the folders of the log and of the states', () => {
  test.each([
    ['as they are written', ['prediction_log.path=data', 'state_store.path=data']],
    ['in full and not', ['prediction_log.path=data', 'state_store.path=/srv/fraud/data/']],
    ['one of them by default', ['prediction_log.path=.vigia/state']],
    ['by a detour', ['prediction_log.path=/srv/fraud/other/../data', 'state_store.path=./data']],
  ])('are refused where they are one, %s', (_, assignments) => {
    expect(() => load(...assignments)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /state_store\.path: allowed: another folder than prediction_log\.path, .*; got .*data|state/,
        ),
      }),
    )
  })

  test('the error names both settings, where each came from, and what to do', () => {
    expect(() => load('prediction_log.path=.vigia/state')).toThrow(
      'default state_store.path: allowed: another folder than prediction_log.path, which is "/srv/fraud/.vigia/state" (--set prediction_log.path=.vigia/state); got "/srv/fraud/.vigia/state". A server locks each of them for itself: give the states a folder of their own, beside the log or in it.',
    )
  })

  test('may lie one in the other, and be one where the states lie elsewhere', () => {
    for (const assignments of [
      [],
      ['prediction_log.path=data', 'state_store.path=data/state'],
      ['prediction_log.path=data/log', 'state_store.path=data'],
      ['prediction_log.path=data', 'state_store.path=data', 'state_store.kind=redis'],
      ['prediction_log.path=data', 'state_store.path=data', 'state_store.kind=memory'],
      ['prediction_log.path=data', 'state_store.path=data2'],
    ])
      expect(() => load(...assignments)).not.toThrow()
  })
})
