import { expect, test } from 'vitest'
import { alert } from '../testing/alert-channel-laws.ts'
import { type AlertReport, alerterChannel } from './alerter-channel.ts'

test('an alerter is told of each message, with its severity in capitals, and NONE when it is over', async () => {
  const reports: AlertReport[] = []
  const channel = alerterChannel('own', { send_alert: (report) => reports.push(report) })
  expect(await channel.send(alert())).toEqual({ kind: 'delivered' })
  await channel.send(alert({ id: 'e1.1', action: 'resolve', reason: 'resolved' }))
  expect(reports.map(({ overall_severity, summary }) => [overall_severity, summary])).toEqual([
    ['CRITICAL', 'The amounts have moved'],
    ['NONE', 'The amounts have moved'],
  ])
})

test('what it throws, at once or later, is for later', async () => {
  const throwing = alerterChannel('own', {
    send_alert: () => {
      throw new Error('busy')
    },
  })
  const rejecting = alerterChannel('own', { send_alert: async () => Promise.reject(new Error('away')) })
  expect(await throwing.send(alert())).toEqual({ kind: 'retry', reason: 'busy' })
  expect(await rejecting.send(alert())).toEqual({ kind: 'retry', reason: 'away' })
})
