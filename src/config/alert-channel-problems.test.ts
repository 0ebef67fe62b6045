import { describe, expect, test } from 'vitest'
import { loadServingConfig } from './config-manager.ts'

const load = (text: string, environment: Readonly<Record<string, string>> = {}) =>
  loadServingConfig({
    file: { name: 'serving.yaml', directory: '/etc/vigia', text },
    environment,
    assignments: [],
    workingDirectory: '/srv',
  }).settings.alerts

describe('the alerts of a configuration', () => {
  test('are kept in a folder and sent nowhere by default', () => {
    const { path, channels, routes, recovery_looks } = load('')
    expect([path, channels, routes, recovery_looks]).toEqual(['/srv/alerts', {}, [], 3])
  })

  test('have files of secrets that begin at the folder of the configuration', () => {
    const { channels } = load('alerts: {channels: {pager: {kind: pagerduty, secret_file: keys/pager}}}')
    expect(channels['pager']?.secret_file).toBe('/etc/vigia/keys/pager')
  })

  test.each([
    ['{drift: [drift]}', /drift would hold back itself/],
    ['{a: [b], b: [c], c: [a]}', /a would hold back itself/],
  ])('hold back no kind by itself: %s', (inhibit, problem) => {
    expect(() => load(`alerts: {inhibit: ${inhibit}}`)).toThrow(problem)
    expect(load('alerts: {inhibit: {a: [b, c], b: [c]}}').inhibit).toEqual({ a: ['b', 'c'], b: ['c'] })
  })

  test.each([
    ['slack_webhook', '', 'slack_webhook needs secret_variable or secret_file; got nothing.'],
    ['slack_bot', 'secret_variable: A', 'slack_bot needs room; got nothing.'],
    ['alertmanager', '', 'alertmanager needs url; got nothing.'],
    ['email', 'host: a, to: [b]', 'email needs from; got nothing.'],
    ['email', 'host: a, to: [b], from: c, user: d', 'user: needs the password'],
    ['email', 'host: a, to: [b], from: c, secret_file: d', 'user: missing.'],
    [
      'teams',
      'secret_variable: A, secret_file: b',
      'allowed: one of secret_variable and secret_file; got both.',
    ],
    [
      'pagerduty',
      'secret_variable: A, room: b',
      'x.room: no setting of pagerduty. Allowed here: secret_variable, secret_file, url.',
    ],
  ])('refuse a channel of %s with %s', (kind, rest, problem) => {
    expect(() => load(`alerts: {channels: {x: {kind: ${kind}${rest && `, ${rest}`}}}}`)).toThrow(problem)
  })

  test('refuse routes to channels that there are not, and say which there are', () => {
    expect(() =>
      load(
        'alerts: {channels: {pager: {kind: pagerduty, secret_variable: A}}, routes: [{channels: [page]}]}',
      ),
    ).toThrow('alerts.routes.0.channels: allowed: names of alerts.channels (pager); got "page".')
  })

  test('refuse more looks than they look at', () => {
    expect(() => load('alerts: {confirm: {severe: {looks: 4}}}')).toThrow(
      'alerts.confirm.severe.looks: allowed: at most alerts.confirm.severe.of, which is 3; got 4.',
    )
  })

  test('take what the environment says', () => {
    expect(load('', { VIGIA_ALERTS__RECOVERY_LOOKS: '5' }).recovery_looks).toBe(5)
  })
})
