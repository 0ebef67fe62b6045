import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { secondBank } from '../parity/histories.ts'
import { type History, replayInto } from '../parity/replay-run.ts'
import { serveHistory } from '../parity/serve-history.ts'

/** test/replay-parity.test.ts over the whole second bank: every transaction goes through the serving call. */
const folder = mkdtempSync(join(tmpdir(), 'vigia-whole-parity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let banks: Record<string, History>
beforeAll(async () => {
  banks = { ...(await secondBank(folder)) }
})

test.each([
  ['fifteen', 15],
  ['all', 104],
])(
  'second-bank, all rows, %s features: served and replayed are the same bits, vectors and states',
  async (name, features) => {
    const replayed = await replayInto(folder, name, banks[name]!, { workers: 2, batchRows: 10_000 })
    const served = await serveHistory(folder, banks[name]!, replayed)
    expect(served.differences).toEqual([])
    expect([served.transactions, served.values]).toEqual([576_865, 576_865 * features])
    expect(served.labels).toBeGreaterThan(500_000)
    expect(served.equalStates).toBe(served.states)
  },
)
