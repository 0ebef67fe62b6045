// Takes one folder after the other, each at the moment at which others try: take-folders.ts <root> <folders>
// <start, ms>. Each folder of each use is tried on a disk with hard links and on one without. Tells which it
// got, as JSON, and lives on.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { holdFolder, withRunLock, workInFolder } from '../../src/disk/folder-lock.ts'
import { VigiaError } from '../../src/errors.ts'

const EVERY_MS = 4

const [root = '', folders = '0', startMs = '0'] = process.argv.slice(2)

let hasLinks = true
const { linkSync } = fs
fs.linkSync = (from, to) => {
  if (!hasLinks) throw Object.assign(new Error('no hard links'), { code: 'EPERM' })
  linkSync(from, to)
}
syncBuiltinESMExports()

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

const owner = { processId: process.pid, host: hostname(), isAlive }
const got: string[] = []

/** Notes the folder when this process has it, and keeps it; work is done and its folder released. */
const take = async (name: string): Promise<void> => {
  const folder = join(root, name)
  if (name.startsWith('hold')) {
    await holdFolder(folder, owner)
    got.push(name)
  } else if (name.startsWith('run')) {
    await new Promise<void>((resolve, reject) => {
      const run = withRunLock(folder, owner, 0, () => {
        got.push(name)
        resolve()
        return new Promise<void>(() => undefined)
      })
      run.catch(reject)
    })
  } else {
    await workInFolder(folder, { owner, now: () => Date.now(), location: folder }, () => {
      // What two do at once, one of them does in vain.
      const count = join(folder, 'count')
      const before = fs.existsSync(count) ? Number(fs.readFileSync(count, 'utf8')) : 0
      fs.writeFileSync(count, String(before + 1))
      got.push(name)
    })
  }
}

/** Whoever is not the first watches the heart of the first one, which beats when all of this is over. */
const taking: Promise<void>[] = []
let nextMs = Number(startMs)
for (let number = 0; number < Number(folders); number++)
  for (const kind of ['hold', 'run', 'work'])
    for (const links of ['links', 'no links'])
      for (const state of ['new', 'left']) {
        while (Date.now() < nextMs);
        nextMs += EVERY_MS
        hasLinks = links === 'links'
        const taken = take(`${kind}, ${links}, ${state}, ${number}`).catch((error: unknown) => {
          if (!(error instanceof VigiaError && /IN_USE|LOCKED/.test(error.code))) throw error
        })
        if (kind === 'work') await taken
        taking.push(taken)
      }
await Promise.all(taking)
process.stdout.write(`${JSON.stringify(got)}\n`)
setInterval(() => undefined, 1000)
