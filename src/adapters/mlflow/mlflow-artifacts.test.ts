import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { downloadAll, openArtifactPlace, uploadAll } from './mlflow-artifacts.ts'
import { createMlflowClient } from './mlflow-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-artifacts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const client = createMlflowClient({
  uri: 'https://example.org/team',
  environment: {},
  timeoutMs: 100,
  retries: 0,
})

describe('an address of artifacts', () => {
  test.each([
    'mlflow-artifacts:/1/run/artifacts',
    'mlflow-artifacts:///1/run/artifacts',
    'mlflow-artifacts://example.org/1/run/artifacts',
    'https://example.org/team/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts',
  ])('%s goes through the server', (uri) => {
    expect(openArtifactPlace(client, uri).isLocal).toBe(false)
  })

  test.each(['file:///srv/mlruns/1/run/artifacts', '/srv/mlruns/1/run/artifacts'])(
    '%s is a folder',
    (uri) => {
      expect(openArtifactPlace(client, uri).isLocal).toBe(true)
    },
  )

  test.each([
    's3://bucket/1/run/artifacts',
    'wasbs://container@account/x',
    'mlflow-artifacts://other.org/1/run/artifacts',
    'https://other.org/api/2.0/mlflow-artifacts/artifacts/1/run',
    '',
  ])('"%s" is refused: nothing of ours reaches it, and no credentials go elsewhere', (uri) => {
    expect(() => openArtifactPlace(client, uri)).toThrow(/--serve-artifacts/)
  })
})

describe('a local folder', () => {
  const place = openArtifactPlace(client, pathToFileURL(join(folder, 'größe 100%')).href)

  test('law: what was copied there comes back, and nothing else lies there', async () => {
    mkdirSync(join(folder, 'model', 'vigia'), { recursive: true })
    writeFileSync(join(folder, 'model', 'MLmodel'), 'flavors')
    writeFileSync(join(folder, 'model', 'vigia', 'x.json'), '{}')
    await uploadAll(place, join(folder, 'model'), 'deep/model')
    expect(readdirSync(join(folder, 'größe 100%', 'deep', 'model')).sort()).toEqual(['MLmodel', 'vigia'])
    expect(await downloadAll(place, 'deep', join(folder, 'back'))).toBe(true)
    expect(readFileSync(join(folder, 'back', 'model', 'vigia', 'x.json'), 'utf8')).toBe('{}')
  })

  test('what is not there is said, and leaves nothing', async () => {
    expect(await downloadAll(place, 'none/at all', join(folder, 'nothing'))).toBe(false)
    expect(existsSync(join(folder, 'nothing'))).toBe(false)
  })

  test('a file with a name that stores do not take is refused before anything is copied', async () => {
    mkdirSync(join(folder, 'odd'))
    writeFileSync(join(folder, 'odd', 'a.txt'), '')
    writeFileSync(join(folder, 'odd', '50%.txt'), '')
    await expect(uploadAll(place, join(folder, 'odd'), 'odd')).rejects.toMatchObject({
      code: 'TRACKING_NAME_INVALID',
    })
    expect(await place.list('odd')).toEqual([])
  })
})
