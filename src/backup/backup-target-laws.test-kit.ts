import { expect, test } from 'vitest'
import type { BackupTarget } from '../ports/backup-target.ts'

/** Holds a target to its laws. `create` makes an empty one. */
export const backupTargetLaws = (create: () => Promise<BackupTarget>): void => {
  const text = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : new TextDecoder().decode(bytes)

  test('what was put last, whole, and nothing where there is nothing', async () => {
    const target = await create()
    expect(await target.get('parts/ab/one')).toBeUndefined()
    await target.put('parts/ab/one', Buffer.from('first'))
    await target.put('parts/ab/one', Buffer.from('second'))
    await target.put('parts/ab/empty', new Uint8Array(0))
    expect(text(await target.get('parts/ab/one'))).toBe('second')
    expect(await target.get('parts/ab/empty')).toHaveLength(0)
    const large = Buffer.alloc(5 << 20, 'abcdefghij')
    await target.put('parts/cd/large', large)
    expect(Buffer.compare(Buffer.from((await target.get('parts/cd/large'))!), large)).toBe(0)
  })

  test('what is listed under a prefix, each once with its size, and no longer when it was removed', async () => {
    const target = await create()
    expect(await target.list('parts/')).toEqual([])
    for (let n = 0; n < 30; n++) await target.put(`parts/${n % 3}/${n}`, new Uint8Array(n))
    await target.put('backups/a.json', new Uint8Array(3))
    const listed = await target.list('parts/')
    expect(listed.map(({ bytes }) => bytes).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    )
    expect(new Set(listed.map(({ key }) => key)).size).toBe(30)
    expect(await target.list('backups/')).toEqual([{ key: 'backups/a.json', bytes: 3 }])
    await target.remove('backups/a.json')
    await target.remove('backups/a.json')
    expect(await target.list('backups/')).toEqual([])
    expect(await target.get('backups/a.json')).toBeUndefined()
  })
}
