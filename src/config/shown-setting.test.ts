import { expect, test } from 'vitest'
import { VigiaError } from '../errors.ts'
import { loadServingConfig } from './config-manager.ts'
import { shownSetting, shownValue } from './shown-setting.ts'

const load = (assignments: readonly string[], text = '') =>
  loadServingConfig({
    file: { name: 'serving.yaml', directory: '/bank', text },
    environment: {},
    assignments,
    workingDirectory: '/bank',
  })

const shown = (name: string, assignments: readonly string[], text = '') =>
  shownSetting(load(assignments, text).entries.find(({ path }) => path.join('.') === name)!)

const SALT = 'control_sample.salt'

test('the salt of the control sample is hidden, wherever it was written; without one that is shown', () => {
  expect(shown(SALT, [`${SALT}=4f1c`])).toEqual({ value: '(hidden)', origin: `--set ${SALT}` })
  expect(shown(SALT, [], 'control_sample: { salt: 4f1c }')).toEqual({
    value: '(hidden)',
    origin: 'serving.yaml:1',
  })
  expect(shown(SALT, [])).toEqual({ value: '', origin: 'default' })
})

test('of an address the password is hidden, and the rest is shown', () => {
  const password = (url: string) => shownValue({ secret: 'password' }, url)
  expect(password('rediss://vigia:p/a:s@s@host:6379/0')).toBe('rediss://vigia:(hidden)@host:6379/0')
  expect(password('redis+sentinel://:secret@one,two:26379/master/1')).toBe(
    'redis+sentinel://:(hidden)@one,two:26379/master/1',
  )
  for (const open of ['redis://127.0.0.1:6379', 'redis://vigia@host:6379/0', 'http://mlflow:5000'])
    expect(password(open)).toBe(open)
  const url = 'state_store.url'
  expect(shown(url, [`${url}=redis://u:pass@host`])).toEqual({
    value: 'redis://u:(hidden)@host',
    origin: `--set ${url}`,
  })
})

test('a secret of the wrong type is not in what is told of it', () => {
  try {
    load([], 'control_sample: { salt: 12345 }')
    expect.unreachable()
  } catch (error) {
    const { message } = error as VigiaError
    expect([error instanceof VigiaError, message.includes('12345')]).toEqual([true, false])
    expect(message).toContain('control_sample.salt: allowed: text; got the number (hidden)')
  }
})
