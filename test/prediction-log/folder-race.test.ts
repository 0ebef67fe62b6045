import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { holdFolder } from '../../src/adapters/files/hold-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-race-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const FOLDERS = 500
const PROCESSES = 4

test.for(['new', 'left behind by a process that is gone'] as const)(
  'of processes that want a folder at the same moment one gets it, when it is %s',
  async (state) => {
    const work = join(root, state.slice(0, 4))
    const gone = spawnSync(process.execPath, ['--version']).pid
    if (state !== 'new')
      for (let i = 0; i < FOLDERS; i++)
        holdFolder(join(work, String(i)), { processId: gone, host: hostname(), isAlive: () => true })
    const startMs = Date.now() + 4000
    const children = Array.from({ length: PROCESSES }, () =>
      spawn(
        process.execPath,
        ['--import', 'tsx', 'test/prediction-log/hold-folders.ts', work, String(FOLDERS), String(startMs)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      ),
    )
    onTestFinished(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    const answers = await Promise.all(
      children.map(async ({ stdout }) => String((await once(stdout!, 'data'))[0])),
    )
    const winners = answers.flatMap((answer) => JSON.parse(answer) as number[]).sort((a, b) => a - b)
    expect(winners).toEqual(Array.from({ length: FOLDERS }, (_, i) => i))
  },
)
