// Looks at a model whose drift comes and goes, and sends what follows, until it is killed:
// alert-forever.ts <folder> <url> forever|finish. A line for each message that was sent. `finish` looks until
// everything is clean, sends what is left, and ends.
import { hostname } from 'node:os'
import { httpPost } from '../../src/adapters/alerts/http-post.ts'
import { openFileJournal } from '../../src/adapters/journal/file-journal.ts'
import type { AlertEntry } from '../../src/alerts/alert-book.ts'
import { createAlertCenter } from '../../src/alerts/alert-center.ts'
import { finding, lookOf, SETTINGS } from '../../src/alerts/alerts.test-kit.ts'
import { processSpace } from '../../src/composition/process-space.ts'
import { createRandom } from '../../src/foundation/random.ts'
import type { AlertChannel } from '../../src/ports/alert-channel.ts'

const [folder = '', url = '', mode = ''] = process.argv.slice(2)
const space = processSpace()
const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
// Without the space of processes nobody knows that the holder of a lock is gone, and waits for a minute.
const owner = { processId: process.pid, host: hostname(), ...(space && { processSpace: space }), isAlive }

const channel: AlertChannel = {
  name: 'receiver',
  send: async (notification) => {
    const body = JSON.stringify(notification)
    const answer = await httpPost({ url, body, timeoutMs: 20_000, secrets: [] })
    process.stdout.write('sent\n')
    return answer.kind === 'answered' ? { kind: 'delivered' } : { kind: 'retry', reason: answer.reason }
  },
}

const quiet = { ...SETTINGS.rules, recoveryLooks: 1, firstReminderMs: 1e12, longestReminderMs: 1e12 }
const center = createAlertCenter({
  journal: openFileJournal<AlertEntry>({ folder, owner, now: Date.now, failure: 'ALERT_JOURNAL_FAILED' }),
  channels: [channel],
  settings: { ...SETTINGS, rules: quiet },
  world: { now: Date.now },
  random: createRandom(process.pid),
  // Whoever was killed before is gone.
  claimant: { by: String(process.pid), claimMs: 60_000, isGone: (by) => by !== String(process.pid) },
})

const SEGMENTS = ['a', 'b', 'c']
const random = createRandom(`looks ${process.pid}`)
const look = async (isClean: boolean): Promise<void> => {
  const findings = SEGMENTS.filter(() => !isClean && random.next() < 0.5)
  const id = `${process.pid} ${performance.now()}`
  await center.look(
    lookOf(
      id,
      findings.map((segment) => finding('critical', { segment })),
    ),
  )
  await center.deliver()
}

while (mode === 'forever') await look(false)
await look(true)
await look(true)
