import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { s3Target } from '../../src/adapters/backup/s3-target.ts'
import { partKey, readManifest } from '../../src/backup/backup-manifest.ts'
import { backupTargetLaws } from '../../src/backup/backup-target-laws.test-kit.ts'
import type { BackupTarget } from '../../src/ports/backup-target.ts'
import { type ObjectStore, STORAGE_PYTHON, startObjectStore } from './object-store.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, runVigia, startVigiaServer } from './vigia-server.ts'

const MISSING =
  process.env['STORAGE_PYTHON_MISSING'] ?? 'no object store was looked for (npm run test:integration does)'

describe.skipIf(STORAGE_PYTHON === undefined)(
  `backups in an object store (${STORAGE_PYTHON ?? MISSING})`,
  () => {
    let store: ObjectStore
    const root = mkdtempSync(join(tmpdir(), 'vigia-bucket-'))
    beforeAll(async () => {
      store = await startObjectStore()
    })
    afterEach(killVigiaServers)
    afterAll(async () => {
      await store?.stop()
      rmSync(root, { recursive: true, force: true })
    })

    describe('a bucket keeps', () => {
      let number = 0
      backupTargetLaws(async () => bucketOf(store, `laws ${++number}/ü/`))
    })

    test('a server is backed up into it and restored from it; nothing is copied twice; a changed byte is refused', async () => {
      const home = join(root, 'shop')
      mkdirSync(home)
      const server = await startVigiaServer(home, [`model.source=${await trainSmallModel()}`])
      for (let n = 1; n <= 100; n++)
        await fetch(`http://127.0.0.1:${server.port}/predict`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(smallTransaction(n)),
        })
      const to = `s3://${store.bucket}/vigia/shop`
      const vigia = (...words: string[]) => runVigia(home, [...words, '--json'], store.environment)
      const first = await vigia('backup', '--to', to)
      expect([first.status, first.stderr]).toEqual([0, ''])
      await server.stop()
      const taken = JSON.parse((await vigia('backup', '--to', to)).stdout) as {
        lastSequence: number
        copiedBytes: number
      }
      expect(taken.lastSequence).toBeGreaterThanOrEqual(100)
      expect(JSON.parse((await vigia('backup', '--to', to, '--verify')).stdout)).toMatchObject({
        copiedParts: 0,
        copiedBytes: 0,
        lastSequence: taken.lastSequence,
      })
      const restored = await vigia('restore', '--from', to, '--to', 'restored')
      expect(JSON.parse(restored.stdout)).toMatchObject({ lastSequence: taken.lastSequence })
      const verified = await vigia('log', 'verify', '--log', 'restored/log')
      expect(JSON.parse(verified.stdout)).toMatchObject([{ isWhole: true }])

      const listed = JSON.parse((await vigia('backup', '--to', to, '--list')).stdout) as { name: string }[]
      expect(listed).toHaveLength(3)
      const target = bucketOf(store, 'vigia/shop/')
      const { files } = await readManifest(target, listed[2]!.name)
      const [part = ''] = files[0]!.parts
      const bytes = (await target.get(partKey(part)))!
      bytes[100]! ^= 1
      await target.put(partKey(part), bytes)
      const refused = await vigia('restore', '--from', to, '--to', 'again')
      expect(refused.status).toBe(2)
      expect(refused.stderr).toContain(`its part ${partKey(part)} has the SHA-256`)
      expect(readdirSync(home)).not.toContain('again')
    })

    test('what is wrong with it is said, with what to do', async () => {
      const refused = await runVigia(
        root,
        ['backup', '--to', 's3://no-such-bucket/x', '--list'],
        store.environment,
      )
      expect(refused.stderr).toMatch(/BACKUP_TARGET_FAILED: .*s3:\/\/no-such-bucket\/x\/.*NoSuchBucket/)
      const unknown = await runVigia(root, ['backup', '--to', 's3://bucket/x', '--list'], {
        ...store.environment,
        AWS_ACCESS_KEY_ID: '',
      })
      expect(unknown.stderr).toContain('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set')
    })
  },
)

const bucketOf = ({ bucket, endpoint }: ObjectStore, prefix: string): BackupTarget =>
  s3Target(
    { bucket, prefix, endpoint: new URL(endpoint), isPathStyle: true },
    { accessKey: 'test', secretKey: 'only-for-tests', region: 'us-east-1' },
  )
