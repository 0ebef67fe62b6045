import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FolderOwner, holdFolder, withRunLock, workInFolder } from './folder-lock.ts'

/** One of the three ways to ask for a folder. */
interface Use {
  readonly name: string
  readonly code: string
  readonly lock: (number: number) => string
  /** Takes the folder, calls `during` and releases it; rejects at once when another process holds it. */
  readonly take: (folder: string, owner: FolderOwner, during?: () => void) => Promise<void>
}

const digits = (number: number): string => String(number).padStart(12, '0')

const USES: readonly Use[] = [
  {
    name: 'holding a folder',
    code: 'SERVING_FOLDER_IN_USE',
    lock: (number) => `in-use-${digits(number)}.json`,
    take: async (folder, owner, during) => {
      const release = holdFolder(folder, owner)
      during?.()
      release()
    },
  },
  {
    name: 'working in a folder',
    code: 'TRACKING_UNREACHABLE',
    lock: (number) => `lock-${digits(number)}`,
    take: async (folder, owner, during = () => undefined) => {
      // Its patience is at an end when it has looked once.
      let nowMs = -200_000
      const now = (): number => {
        nowMs += 200_000
        return nowMs
      }
      await workInFolder(folder, { owner, now, location: folder }, during)
    },
  },
  {
    name: 'a run',
    code: 'PIPELINE_LOCKED',
    lock: (number) => `lock-${digits(number)}`,
    take: (folder, owner, during) => withRunLock(folder, owner, 0, async () => during?.()),
  },
]

const disk = vi.hoisted(() => ({ hasLinks: true, links: 0, beforeLink: () => {} }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const linkSync: typeof fs.linkSync = (from, to) => {
    disk.links++
    disk.beforeLink()
    if (!disk.hasLinks) throw Object.assign(new Error('no links'), { code: 'EPERM' })
    fs.linkSync(from, to)
  }
  return { ...fs, linkSync }
})

const MODES = USES.flatMap((use) => [
  { ...use, hasLinks: true, links: 'hard links' },
  { ...use, hasLinks: false, links: 'no hard links' },
])

describe.each(MODES)('$name, on a disk with $links', ({ code, lock, take, hasLinks }) => {
  beforeEach(() => {
    Object.assign(disk, { hasLinks, links: 0, beforeLink: () => {} })
  })

  test('a folder is made, and one file is left that says it is free, however often it is taken', async () => {
    const folder = join(newFolder(), 'made')
    for (let i = 0; i < 5; i++) await take(folder, process1)
    expect(readdirSync(folder)).toEqual([lock(5)])
    expect(readFileSync(join(folder, lock(5)), 'utf8')).toBe('released')
    expect(disk.links).toBe(5)
  })

  test('another process is refused until the folder is released', async () => {
    const folder = newFolder()
    const refused = await while1Holds(folder, () => take(folder, process2))
    expect(refused).toMatchObject({ code, message: expect.stringContaining('process 1 on here') })
    await take(folder, process2)
  })

  test('the same process is refused as well, under whatever name of the folder', async () => {
    const folder = newFolder()
    const refused = await while1Holds(folder, () => take(join(folder, '..', nameOf(folder)), process1))
    expect(refused).toMatchObject({ code })
    await take(folder, process1)
  })

  test('what a process that is gone has left is taken over', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 99, host: 'here' })
    await take(folder, { ...process1, isAlive: (processId) => processId !== 99 })
    expect(readdirSync(folder)).toEqual([lock(8)])
  })

  test('a lock with the own process id is of a container that was started again: it is taken over', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 1, host: 'here' })
    await take(folder, process1)
    expect(readdirSync(folder)).toEqual([lock(8)])
  })

  test('a process of another host counts as alive', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 99, host: 'there' })
    await expect(take(folder, { ...process1, isAlive: () => false })).rejects.toMatchObject({
      code,
      message: expect.stringContaining('process 99 on there'),
    })
    expect(readdirSync(folder)).toEqual([lock(7)])
  })

  test.each(['', '{"proc', '0', 'null'])('a lock cut short to %j is nobody’s', async (text) => {
    const folder = newFolder()
    writeFileSync(join(folder, lock(7)), text)
    await take(folder, process1)
    expect(readdirSync(folder)).toEqual([lock(8)])
  })

  test('a process that was slow between looking and taking does not hold the folder beside another', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 99, host: 'here' })
    // While it looks at lock 7, others take the folder twice: number 8 was used, and is free again.
    const isAlive = (processId: number): boolean => {
      if (processId !== 99) return true
      rmSync(join(folder, lock(7)), { force: true })
      leave(folder, 9, { processId: 2, host: 'here' })
      return false
    }
    await expect(take(folder, { ...process1, isAlive })).rejects.toMatchObject({ code })
    expect(readdirSync(folder)).toEqual([lock(9)])
  })

  test('a process that was slow does not hold the folder by a number that is not the highest', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 99, host: 'here' })
    // As above, but the others have released it by now.
    const isAlive = (processId: number): boolean => {
      if (processId !== 99) return true
      rmSync(join(folder, lock(7)), { force: true })
      writeFileSync(join(folder, lock(9)), 'released')
      return false
    }
    const attempt = () => take(folder, { ...process1, isAlive })
    // Who works in a folder has no patience here, and is refused when others were faster.
    await attempt().catch(attempt)
    expect(readdirSync(folder)).toEqual([lock(10)])
  })

  test('a lock that could not be released, as on a full disk, is not held by the process that made it', async () => {
    const folder = newFolder()
    await take(folder, process1)
    leave(folder, 1, { processId: 1, host: 'here' })
    await take(folder, process1)
  })

  test('a lock that was being written when it was looked at counts', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, lock(7)), '')
    disk.beforeLink = () => leave(folder, 7, { processId: 2, host: 'here' })
    await expect(take(folder, process1)).rejects.toMatchObject({ code })
    expect(readdirSync(folder)).toEqual([lock(7)])
  })

  test('a process that releases late takes nothing from who took over', async () => {
    const folder = newFolder()
    await take(folder, process1, () => {
      leave(folder, 2, { processId: 2, host: 'here' })
      rmSync(join(folder, lock(1)))
    })
    expect(readdirSync(folder)).toEqual([lock(2)])
    await expect(take(folder, process1)).rejects.toMatchObject({ code })
  })

  test('the folder is released when the work fails', async ({ skip }) => {
    skip(code === 'SERVING_FOLDER_IN_USE', 'whoever holds a folder does no work in a callback')
    const folder = newFolder()
    const failing = take(folder, process1, () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await take(folder, process2)
  })

  const leave = (folder: string, number: number, holder: Omit<FolderOwner, 'isAlive'>): void =>
    writeFileSync(join(folder, lock(number)), JSON.stringify(holder))

  /** What `attempt`, begun while process 1 holds the folder, is rejected with. */
  const while1Holds = async (folder: string, attempt: () => Promise<void>): Promise<unknown> => {
    let outcome: Promise<unknown> = Promise.resolve()
    await take(folder, process1, () => {
      outcome = attempt().then(
        () => 'taken',
        (error: unknown) => error,
      )
    })
    return outcome
  }
})

describe('holding and running', () => {
  test.each(USES.filter(({ code }) => code !== 'TRACKING_UNREACHABLE'))(
    '$name: the refusal says what to do about a lock of a host that was renamed, and names the file',
    async ({ lock, take }) => {
      const folder = newFolder()
      writeFileSync(join(folder, lock(7)), '{"processId":99,"host":"there"}')
      await expect(take(folder, process1)).rejects.toMatchObject({
        fix: expect.stringMatching(`host was renamed.*remove ${join(folder, lock(7))}`),
      })
    },
  )
})

describe('working in a folder', () => {
  test('waits until the other one has done its work', async () => {
    const folder = newFolder()
    const order: number[] = []
    let second: Promise<void> = Promise.resolve()
    await workInFolder(folder, { owner: process1, now, location: '' }, () => {
      second = workInFolder(folder, { owner: process2, now, location: '' }, () => void order.push(2))
      order.push(1)
    })
    await second
    expect(order).toEqual([1, 2])
  })

  test('takes over a lock that is a minute old, of another host too', async () => {
    const folder = newFolder()
    const lock = join(folder, USES[1]!.lock(7))
    writeFileSync(lock, '{"processId":99,"host":"there"}')
    utimesSync(lock, new Date(now()), new Date(now() - 61_000))
    expect(await workInFolder(folder, { owner: process1, now, location: '' }, () => 'done')).toBe('done')
  })
})

describe('a run beside a version that knows lock.json only', () => {
  const run = (folder: string, owner = process1) =>
    withRunLock(folder, owner, 0, async () => readFileSync(join(folder, 'lock.json'), 'utf8'))

  test('is refused while the other one runs, and says which file to remove', async () => {
    const folder = newFolder()
    const single = join(folder, 'lock.json')
    writeFileSync(single, '{"processId":2,"host":"here","sinceMs":0}')
    await expect(run(folder)).rejects.toMatchObject({
      code: 'PIPELINE_LOCKED',
      message: expect.stringContaining('process 2 on here, since 1970-01-01T00:00:00.000Z'),
      fix: expect.stringContaining(`remove ${single}`),
    })
    rmSync(single)
    await run(folder)
  })

  test.each(['{"processId":99,"host":"here","sinceMs":0}', '{"proc'])(
    'takes over what it left by a crash: %s',
    async (text) => {
      const folder = newFolder()
      writeFileSync(join(folder, 'lock.json'), text)
      await run(folder, { ...process1, isAlive: () => false })
      expect(readdirSync(folder)).toEqual([USES[2]!.lock(1)])
    },
  )

  test('is seen by it, and leaves nothing in its way', async () => {
    const folder = newFolder()
    expect(JSON.parse(await run(folder))).toMatchObject({ processId: 1, host: 'here', sinceMs: 0 })
    expect(readdirSync(folder)).toEqual([USES[2]!.lock(1)])
  })

  test('that was killed on another host is in nobody’s way when its numbered lock was removed by hand', async () => {
    const folder = newFolder()
    const there = { processId: 99, host: 'there', sinceMs: 0 }
    writeFileSync(join(folder, 'lock.json'), JSON.stringify({ ...there, isNumbered: true }))
    expect(JSON.parse(await run(folder))).toMatchObject({ processId: 1 })
  })
})

const root = mkdtempSync(join(tmpdir(), 'vigia-folder-lock-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

const process1: FolderOwner = { processId: 1, host: 'here', isAlive: () => true }
const process2: FolderOwner = { processId: 2, host: 'here', isAlive: () => true }

const now = (): number => Date.now()

const newFolder = (): string => {
  const folder = join(root, `folder-${folders++}`)
  mkdirSync(folder)
  return folder
}

const nameOf = (folder: string): string => folder.split(/[\\/]/).at(-1) ?? ''
