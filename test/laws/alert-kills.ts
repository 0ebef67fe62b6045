import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import { openFileJournal } from '../../src/adapters/journal/file-journal.ts'
import { type AlertEntry, EMPTY_BOOK, withEntries } from '../../src/alerts/alert-book.ts'
import { createRandom } from '../../src/foundation/random.ts'

/**
 * A process that looks and sends is killed again and again, as is often in the middle of a message. At the
 * end every message that the journal says was owed has arrived, in the order of its alert; what came twice
 * has the same id and the same body; and each episode began and ended once.
 */
export const killsLoseNoAlert = (kills: number): void => {
  test(`${kills} kills lose no message, and a repeat keeps its id`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-alert-kills-'))
    const receiver = await openHttpReceiver()
    const random = createRandom(14)
    let child: ChildProcess | undefined
    try {
      for (let kill = 0; kill < kills; kill++) {
        child = start(folder, receiver.url, 'forever')
        // Killed once so many more messages have arrived, some of them before their answer is written down.
        const wanted = receiver.received.length + 1 + random.integer(6)
        while (receiver.received.length < wanted) await once(child.stdout!, 'data')
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        expect((await ended)[1]).toBe('SIGKILL')
      }
      child = start(folder, receiver.url, 'finish')
      expect((await once(child, 'exit'))[0]).toBe(0)
      const { owed, waiting, dead } = await bookIn(folder)
      expect([waiting, dead]).toEqual([0, 0])
      const ids = receiver.received.map(({ body }) => String(body.id))
      const first = new Map<string, string>()
      for (const { body, text } of receiver.received) {
        expect(text).toBe(first.get(body.id) ?? text)
        first.set(body.id, text)
      }
      const arrived = [...first.values()].map(
        (text) => JSON.parse(text) as { dedupKey: string; reason: string },
      )
      expect(arrived.map(({ dedupKey, reason }) => `${reason} ${dedupKey}`).sort()).toEqual(owed)
      // Otherwise no kill came between an answer and its line, and nothing was shown.
      expect(ids.length).toBeGreaterThan(first.size)
      for (const sequence of episodesOf(receiver.received.map(({ body }) => body)).values()) {
        expect([sequence[0], sequence.at(-1)]).toEqual(['fired', 'resolved'])
        expect(sequence).toHaveLength(new Set(sequence).size)
      }
    } finally {
      child?.kill('SIGKILL')
      await receiver.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

const start = (folder: string, url: string, mode: 'forever' | 'finish'): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', 'test/laws/alert-forever.ts', folder, url, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

/**
 * What the journal says: every message that was ever owed, by reason and key in sorted order, and what is
 * left.
 */
const bookIn = async (folder: string) => {
  const owner = { processId: process.pid, host: 'here', isAlive: () => true }
  const journal = openFileJournal<AlertEntry>({
    folder,
    owner,
    now: Date.now,
    failure: 'ALERT_JOURNAL_FAILED',
  })
  const book = await journal.transact((all) => ({ result: withEntries(EMPTY_BOOK, all) }))
  // The history outlives the entries, which are written anew as one when they are many.
  const told = book.audit.filter(({ did }) => did === 'fired' || did === 'resolved')
  const owed = told.map(({ did, key }) => `${did} ${key}`).sort()
  return { owed, waiting: book.outbox.size, dead: book.dead.size }
}

/** Reasons of the messages of each episode, repeats left out. */
const episodesOf = (
  bodies: readonly { readonly id: string; readonly episode: string; readonly reason: string }[],
): ReadonlyMap<string, readonly string[]> => {
  const seen = new Set<string>()
  const episodes = new Map<string, string[]>()
  for (const { id, episode, reason } of bodies) {
    if (seen.has(id)) continue
    seen.add(id)
    episodes.set(episode, [...(episodes.get(episode) ?? []), reason])
  }
  return episodes
}
