import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type FolderOwner,
  holdFolder,
  type Lease,
  watchFolder,
  withRunLock,
  workInFolder,
} from './folder-lock.ts'
import { type SimulatedProcess, SimulatedProcesses } from './simulated-processes.test-kit.ts'

/** One of the three ways to ask for a folder. */
interface Use {
  readonly name: string
  readonly code: string
  readonly lock: (number: number) => string
  /** Takes the folder, calls `during` and releases it; rejects when another process holds it and lives. */
  readonly take: (folder: string, owner: FolderOwner, during?: () => unknown) => Promise<void>
}

const digits = (number: number): string => String(number).padStart(12, '0')

const USES: readonly Use[] = [
  {
    name: 'holding a folder',
    code: 'SERVING_FOLDER_IN_USE',
    lock: (number) => `in-use-${digits(number)}.json`,
    take: async (folder, owner, during) => {
      const lease = await holdFolder(folder, owner)
      await during?.()
      lease.release()
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
    take: (folder, owner, during) => withRunLock(folder, owner, 0, async () => void (await during?.())),
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

  test('of a version without tokens: the own process id names a container beside this one, perhaps', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 1, host: 'here' })
    await expect(take(folder, process1)).rejects.toMatchObject({ code })
    expect(readdirSync(folder)).toEqual([lock(7)])
  })

  test('of this process space: a lock with the own process id is of an earlier process with the same id', async () => {
    const folder = newFolder()
    leave(folder, 7, { processId: 1, host: 'here', token: 'another', processSpace: 'space' })
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
    leave(folder, 1, { processId: 1, host: 'here', token: 'its own', processSpace: 'space' })
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

  const leave = (folder: string, number: number, holder: object): void =>
    writeFileSync(join(folder, lock(number)), JSON.stringify(holder))

  /** What `attempt`, begun while process 1 holds the folder, is rejected with. */
  const while1Holds = async (folder: string, attempt: () => Promise<void>): Promise<unknown> => {
    let outcome: Promise<unknown> = Promise.resolve()
    await take(folder, process1, () => {
      outcome = attempt().then(
        () => 'taken',
        (error: unknown) => error,
      )
      return outcome
    })
    return outcome
  }
})

describe('holding and running', () => {
  test.each(USES.filter(({ code }) => code !== 'TRACKING_UNREACHABLE'))(
    '$name: the refusal says what to do about a lock of a version without heartbeats, and names the file',
    async ({ lock, take }) => {
      const folder = newFolder()
      writeFileSync(join(folder, lock(7)), '{"processId":99,"host":"there"}')
      await expect(take(folder, process1)).rejects.toMatchObject({
        fix: expect.stringMatching(`without heartbeats.*remove ${join(folder, lock(7))}`),
      })
    },
  )
})

describe.each([
  {
    name: 'a folder that is held',
    take: (folder: string, { owner }: SimulatedProcess): Promise<HeldFolder> => holdFolder(folder, owner),
    code: 'SERVING_FOLDER_IN_USE',
    lost: 'SERVING_LEASE_LOST',
    leaseMs: 10_000,
  },
  {
    name: 'a run',
    take: (folder: string, { owner }: SimulatedProcess) => runIn(folder, owner),
    code: 'PIPELINE_LOCKED',
    lost: 'PIPELINE_LOCKED',
    leaseMs: 30_000,
  },
])('the lease of $name', ({ take, code, lost, leaseMs }) => {
  /** Two containers: one host name, process 1, and each has a process space of its own. */
  const containers = (world: SimulatedProcesses) =>
    ['one', 'other'].map((processSpace) => world.start({ processId: 1, host: 'vigia', processSpace })) as [
      SimulatedProcess,
      SimulatedProcess,
    ]

  test('two containers with one host name and process 1 are not one another', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const lease = await take(folder, first)
    await expect(take(folder, second)).rejects.toMatchObject({ code })
    // As soon as the beat has moved: the other one lives.
    expect(world.elapsedMs).toBeLessThan(2_500)
    lease.check()
    lease.release()
    await take(folder, second)
  })

  test.each([
    ['of another host', { processId: 7, host: 'there' }],
    ['of a container with the same host name and process id', { processId: 1, host: 'vigia' }],
    [
      'of a system that has no names for process spaces',
      { processId: 7, host: 'vigia', processSpace: undefined },
    ],
  ])('a dead one %s is taken over when it has been silent for the lease and a second', async (_, fields) => {
    const world = new SimulatedProcesses()
    const dead = world.start({ processSpace: 'there', ...fields } as typeof fields & { processSpace: string })
    const folder = newFolder()
    await take(folder, dead)
    dead.freeze()
    const told: unknown[] = []
    const next = world.start({ processId: 1, host: 'vigia', onWaiting: (...words) => told.push(words) })
    const lease = await take(folder, next)
    lease.check()
    expect(world.elapsedMs).toBeGreaterThanOrEqual(leaseMs + 1_000)
    expect(world.elapsedMs).toBeLessThanOrEqual(leaseMs + 1_400)
    expect(told).toEqual([
      [folder, expect.objectContaining(fields.host ? { host: fields.host } : {}), leaseMs + 1_000],
    ])
  })

  test('a dead one is waited for when a power failure brings its lock back, below one that it cut short', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    await take(folder, first)
    first.freeze()
    const [name] = readdirSync(folder)
    writeFileSync(join(folder, name!.replace(digits(1), digits(2))), '')
    const lease = await take(folder, second)
    lease.check()
    expect(world.elapsedMs).toBeGreaterThanOrEqual(leaseMs + 1_000)
    expect(world.elapsedMs).toBeLessThanOrEqual(leaseMs + 1_400)
    expect(readdirSync(folder).filter((file) => /\d{12}/.test(file))).toEqual([
      name!.replace(digits(1), digits(3)),
    ])
  })

  test('a dead one of this process space is taken over at once', async () => {
    const world = new SimulatedProcesses()
    const dead = world.start({ processId: 7 })
    const folder = newFolder()
    await take(folder, dead)
    dead.die()
    ;(await take(folder, world.start({ processId: 8 }))).check()
    expect(world.elapsedMs).toBe(0)
  })

  test('one that stood still and was taken over has lost it: it is told who has it, and releases nothing', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const old = await take(folder, first)
    first.freeze()
    const lease = await take(folder, second)
    for (let tries = 0; tries < 2; tries++)
      expect(() => old.check()).toThrow(expect.objectContaining({ code: lost }))
    expect(() => old.check()).toThrow(/process 1 on vigia/)
    old.release()
    lease.check()
    first.thaw()
    await expect(take(folder, first)).rejects.toMatchObject({ code })
    lease.check()
  })

  test('one that stood still while nobody wanted the folder takes it again, and has it', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const lease = await take(folder, first)
    first.freeze()
    await world.pass(10 * leaseMs)
    lease.check()
    first.thaw()
    await expect(take(folder, second)).rejects.toMatchObject({ code })
    lease.release()
    await take(folder, second)
  })

  test('one that takes it again in the middle of being waited for is not taken over', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const lease = await take(folder, first)
    first.freeze()
    await world.pass(0.9 * leaseMs)
    const waiting = take(folder, second)
    first.thaw()
    await expect(waiting).rejects.toMatchObject({ code })
    lease.check()
  })

  test('a machine that slept, so that its monotonic clock stood still, makes its lease run out too', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const old = await take(folder, first)
    first.freeze()
    await take(folder, second)
    // As the first one's clock has it, no time has passed: its file tells, and so does its wall clock.
    expect(() => old.check()).toThrow(expect.objectContaining({ code: lost }))
    const other = newFolder()
    const lease = await take(other, first)
    world.passWallTime(2 * leaseMs)
    lease.check()
    expect(readdirSync(other).filter((name) => /\d{12}/.test(name))).toEqual([
      expect.stringContaining('000000000002'),
    ])
  })

  test('its loss is found by the next heartbeat, whether or not anything is written', async () => {
    const world = new SimulatedProcesses()
    const [first, second] = containers(world)
    const folder = newFolder()
    const losses: unknown[] = []
    const old =
      code === 'PIPELINE_LOCKED'
        ? await take(folder, first)
        : await holdFolder(folder, first.owner, { onLost: (error) => losses.push(error) })
    first.freeze()
    await take(folder, second)
    first.thaw()
    await world.pass(2_000)
    expect(() => old.check()).toThrow(expect.objectContaining({ code: lost }))
    if (code !== 'PIPELINE_LOCKED') expect(losses).toEqual([expect.objectContaining({ code: lost })])
  })

  test('of many that wait for a dead one, one gets the folder', async () => {
    const world = new SimulatedProcesses()
    const dead = world.start({ processId: 1, processSpace: 'gone' })
    const folder = newFolder()
    await take(folder, dead)
    dead.freeze()
    const waiting = Array.from({ length: 5 }, (_, n) =>
      take(folder, world.start({ processId: 1, processSpace: `space ${n}` })),
    )
    const outcomes = await Promise.allSettled(waiting)
    const leases = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(leases).toHaveLength(1)
    leases[0]!.check()
  })
})

test('whoever holds a folder knows whether the one before may wake up', async () => {
  const world = new SimulatedProcesses()
  const folder = newFolder()
  const [first, second, third] = ['a', 'b', 'b'].map((processSpace, n) =>
    world.start({ processId: n + 1, processSpace }),
  ) as [SimulatedProcess, SimulatedProcess, SimulatedProcess]
  expect((await holdFolder(folder, first.owner)).from).toBe('free')
  first.freeze()
  expect((await holdFolder(folder, second.owner)).from).toBe('silent')
  second.freeze()
  const dead: FolderOwner = { ...third.owner, isAlive: () => false }
  const lease = await holdFolder(folder, dead)
  expect(lease.from).toBe('gone')
  lease.release()
  expect((await holdFolder(folder, first.owner)).from).toBe('free')
})

describe('watching a folder before it is wanted', () => {
  test.each([
    ['a dead one', (dead: SimulatedProcess) => dead.freeze(), 10_900],
    ['one that lives', () => undefined, 4_000],
  ])('counts as waiting: for %s', async (_, befall, watchedMs) => {
    const world = new SimulatedProcesses()
    const folder = newFolder()
    const { owner } = world.start({ processId: 2, processSpace: 'another' })
    expect(watchFolder(folder, owner)).toBeUndefined()
    const first = world.start({ processId: 1 })
    await holdFolder(folder, first.owner)
    befall(first)
    const seen = watchFolder(folder, owner)!
    await world.pass(watchedMs)
    const taking = holdFolder(folder, owner, { seen })
    if (watchedMs > 10_000) await taking
    else await expect(taking).rejects.toMatchObject({ code: 'SERVING_FOLDER_IN_USE' })
    expect(world.elapsedMs).toBeLessThan(watchedMs + 300)
  })
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

const processes = new SimulatedProcesses()
const process1 = processes.start({ processId: 1 }).owner
const process2 = processes.start({ processId: 2 }).owner

const now = (): number => Date.now()

type HeldFolder = Pick<Lease, 'check' | 'release'>

/** A run that goes on until it is released, as a lease. */
const runIn = (folder: string, owner: FolderOwner): Promise<HeldFolder> =>
  new Promise((resolve, reject) => {
    let release: () => void = () => undefined
    const ended = new Promise<void>((done) => {
      release = done
    })
    withRunLock(folder, owner, 0, (check) => {
      resolve({ check, release })
      return ended
    }).catch(reject)
  })

const newFolder = (): string => {
  const folder = join(root, `folder-${folders++}`)
  mkdirSync(folder)
  return folder
}

const nameOf = (folder: string): string => folder.split(/[\\/]/).at(-1) ?? ''
