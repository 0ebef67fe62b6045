import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const FOLDERS = 60
const PROCESSES = 4
const LOCKS = {
  hold: 'in-use-000000000001.json',
  run: 'lock-000000000001',
  work: 'lock-000000000001',
} as const

type Use = keyof typeof LOCKS

const CASES = (['hold', 'run', 'work'] as const).flatMap((use) =>
  (['links', 'no links'] as const).flatMap((links) =>
    (['new', 'left'] as const).map((state) => ({ use, links, state })),
  ),
)

describe('of processes that want a folder at the same moment', () => {
  test.for(CASES.filter(({ use }) => use !== 'work'))('one gets it: $use, $links, $state', (each) => {
    const winners = got.flat().filter((name) => foldersOf(each).includes(name))
    expect(winners.sort()).toEqual(foldersOf(each).sort())
  })

  test.for(CASES.filter(({ use }) => use === 'work'))(
    'each works in it alone, in its turn: $links, $state',
    (each) => {
      for (const name of foldersOf(each)) {
        expect(got.filter((names) => names.includes(name))).toHaveLength(PROCESSES)
        expect(readFileSync(join(root, name, 'count'), 'utf8')).toBe(String(PROCESSES))
      }
    },
  )
})

let root: string
const children: ChildProcess[] = []
const closed: Promise<unknown>[] = []
/** Names of the folders that each process got. */
let got: readonly (readonly string[])[]

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'vigia-race-'))
  const gone = { processId: spawnSync(process.execPath, ['--version']).pid, host: hostname() }
  for (const each of CASES.filter(({ state }) => state === 'left'))
    for (const name of foldersOf(each)) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, LOCKS[each.use]), JSON.stringify(gone))
    }
  const program = ['--import', 'tsx', 'test/prediction-log/take-folders.ts']
  const words = [root, String(FOLDERS), String(Date.now() + 4000)]
  const answers = Array.from({ length: PROCESSES }, async () => {
    const child = spawn(process.execPath, [...program, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    closed.push(once(child, 'close'))
    let text = ''
    for await (const chunk of child.stdout) {
      text += chunk
      if (text.endsWith('\n')) break
    }
    return JSON.parse(text) as string[]
  })
  got = await Promise.all(answers)
}, 60_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(closed)
  rmSync(root, { recursive: true, force: true })
})

const foldersOf = ({ use, links, state }: { use: Use; links: string; state: string }): string[] =>
  Array.from({ length: FOLDERS }, (_, number) => `${use}, ${links}, ${state}, ${number}`)
