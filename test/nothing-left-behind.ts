import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestProject } from 'vitest/node'
import { placeOfRun } from './place-of-run.ts'

/**
 * A run of tests has a temporary folder of its own, which is empty when it ends, and every process that its
 * tests started has ended by then: otherwise the run fails and says what was left. (Processes are looked for
 * where `/proc` tells of them, on Linux.) Vitest calls it before the first test and after the last.
 *
 * Who left a folder, its name tells: tests make theirs as `vigia-<what it is for>-`. Others are caches of
 * tools (`tsx-0`), and go with the whole.
 */
const VARIABLES = process.platform === 'win32' ? ['TEMP', 'TMP'] : ['TMPDIR']

let folder: string | undefined

export const setup = ({ vitest }: TestProject): void => {
  folder = realpathSync(mkdtempSync(join(placeOfRun(vitest.config.project), 'vigia-tests-')))
  for (const name of VARIABLES) process.env[name] = folder
}

export const teardown = async (): Promise<void> => {
  if (folder === undefined) return
  const processes = await processesLeftIn(folder)
  for (const { id } of processes) kill(id)
  const folders = readdirSync(folder).filter((name) => name.startsWith('vigia-'))
  const within = new Map(folders.map((name) => [name, filesOf(join(folder!, name))]))
  rmSync(folder, { recursive: true, force: true })
  const left = [
    ...processes.map(({ id, command }) => `process ${id}: ${command}`),
    ...folders.map((name) => `folder ${name}: ${within.get(name)}`),
  ]
  folder = undefined
  if (left.length === 0) return
  process.stderr.write(
    `Tests left behind what they started or made:\n${left.map((line) => `  ${line}\n`).join('')}` +
      'Next step: end it in the afterEach or afterAll of the test that started it.\n',
  )
  process.exitCode = 1
}

/** Files that are named of a folder that was left behind. */
const MOST_NAMED = 10

const filesOf = (path: string): string => {
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return files.length === 0 ? 'empty' : files.slice(0, MOST_NAMED).join(', ')
}

interface LeftProcess {
  readonly id: number
  readonly command: string
}

/** Processes that were just told to end may take a moment: after so many looks they are left behind. */
const LOOKS = 50
const BETWEEN_LOOKS_MS = 100

const processesLeftIn = async (place: string): Promise<readonly LeftProcess[]> => {
  for (let look = 1; ; look++) {
    const left = descendantsIn(place)
    if (left.length === 0 || look === LOOKS) return left
    await pause(BETWEEN_LOOKS_MS)
  }
}

/**
 * Processes of this run, known by their environment or by where they work. Vitest's own workers are children
 * of this process, and not meant; what a worker has started is not a child of this one.
 */
const descendantsIn = (place: string): readonly LeftProcess[] =>
  processIds().flatMap((id) => {
    try {
      const [state, parent] = afterName(readFileSync(`/proc/${id}/stat`, 'utf8')).split(' ')
      if (id === process.pid || Number(parent) === process.pid || state === 'Z') return []
      const environment = readFileSync(`/proc/${id}/environ`, 'utf8').split('\0')
      const isOfRun =
        environment.includes(`TMPDIR=${place}`) ||
        `${readlinkSync(`/proc/${id}/cwd`)}/`.startsWith(`${place}/`)
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return isOfRun ? [{ id, command }] : []
    } catch {
      // It has ended meanwhile, or belongs to somebody else.
      return []
    }
  })

const processIds = (): readonly number[] => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

/** What stands behind the name of the program, which may hold spaces and parentheses. */
const afterName = (stat: string): string => stat.slice(stat.lastIndexOf(')') + 2)

const kill = (id: number): void => {
  try {
    process.kill(id, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
