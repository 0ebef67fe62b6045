import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { GENUINE_MODEL, labelledHistory } from '../decisions/labelled-history.test-kit.ts'
import { exportLog } from '../decisions/log/export-log.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { DATABASE, moveClock, type SharedServers, sharedServers } from './shared-servers.test-kit.ts'

let folder: string
let remove: () => void
let servers: SharedServers
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  servers = await sharedServers(folder, GENUINE_MODEL, moveClock())
})
afterEach(async () => {
  await servers.end().catch(() => undefined)
  vi.restoreAllMocks()
  remove()
})

const exportOf = (folders: readonly string[]) => {
  const workFolder = join(folder, 'export')
  mkdirSync(workFolder, { recursive: true })
  return exportLog({
    folders,
    openLog: openLogReader,
    workFolder,
    work: unwatchedWork(DATABASE),
    amounts: DEFAULT_AMOUNTS,
    transactions: join(workFolder, 'transactions.jsonl'),
    labels: join(workFolder, 'labels.jsonl'),
  })
}

test('the logs of all servers are one source; one of them alone would be a part of what happened, and is none', async () => {
  const [a = '', b = ''] = servers.folders
  // Moved a few at a time, by turns: each log has numbers between those of the other.
  const steps = labelledHistory(5, 60)
  for (let from = 0; from < steps.length; from += 2) {
    await servers.take(steps.slice(from, from + 2))
    await servers.moved()
  }
  const { transactions } = await exportOf([a, b])
  expect(transactions).toBe(60)
  const written = readFileSync(join(folder, 'export', 'transactions.jsonl'), 'utf8')
  expect(written.trimEnd().split('\n')).toHaveLength(60)
  for (const one of [a, b])
    await expect(exportOf([one])).rejects.toMatchObject({
      code: 'SERVING_LOG_INCOMPLETE',
      message: expect.stringMatching(/no log has \d+ of the numbers from \d+ to \d+, in \d+ places/),
    })
})
