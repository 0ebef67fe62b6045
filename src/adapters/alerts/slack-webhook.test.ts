import { expect, test } from 'vitest'
import { secretsOf } from './slack-webhook.ts'

test.each([
  ['https://hooks.slack.com/services/T0/B0/x', ['/services/T0/B0/x']],
  ['https://hc.example/ping?key=1', ['/ping?key=1', '/ping']],
  // A slash is in every address: to blot it out would leave nothing to read.
  ['https://hooks.bank.example', []],
  ['https://hooks.bank.example/', []],
  ['https://hooks.bank.example/?key=1', ['/?key=1']],
  ['no address', []],
])('secrets of %s are itself and its path, where it has one', (url, paths) => {
  expect([...new Set(secretsOf(url))]).toEqual([...new Set([url, ...paths])])
})
