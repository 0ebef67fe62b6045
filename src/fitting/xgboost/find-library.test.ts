import { describe, expect, test } from 'vitest'
import { findXgboostLibrary, type LibrarySearch } from './find-library.ts'

describe("where XGBoost's library is looked for", () => {
  test('the setting comes before everything else', async () => {
    const found = await find({
      files: ['/mine/libxgboost.so', '/usr/lib/libxgboost.so'],
      setting: '/mine/libxgboost.so',
    })
    expect(found).toEqual({ path: '/mine/libxgboost.so', version: '3.2.0' })
  })

  test('a setting that does not open is an error of the setting: nothing else is taken instead', async () => {
    const found = await find({ files: ['/usr/lib/libxgboost.so'], setting: '/mine/libxgboost.so' })
    expect(found).toEqual({
      missing: ['/mine/libxgboost.so: cannot be opened'],
      advice: 'Correct models.xgboost.library, or remove it: the library is then looked for.',
    })
  })

  test('a relative path in the environment variable is refused', async () => {
    const found = await find({ environment: { VIGIA_XGBOOST_LIBRARY: 'libxgboost.so' } })
    expect(found).toMatchObject({ missing: ['libxgboost.so: is no absolute path'] })
  })

  test.each([
    [
      'the active Python environment',
      '/env/lib/python3.12/site-packages/xgboost/lib/libxgboost.so',
      { VIRTUAL_ENV: '/env' },
    ],
    ['Conda', '/conda/lib/libxgboost.so', { CONDA_PREFIX: '/conda' }],
    ["the project's .venv", '/project/.venv/lib/python3.11/site-packages/xgboost/lib/libxgboost.so', {}],
    ['the paths of the loader', '/opt/lib/libxgboost.so', { LD_LIBRARY_PATH: 'relative::/opt/lib' }],
    ["Debian's package", '/usr/lib/x86_64-linux-gnu/libxgboost.so.0', {}],
  ])('%s', async (_, path, environment) => {
    expect(await find({ files: [path], environment })).toEqual({ path, version: '3.2.0' })
  })

  test('Homebrew', async () => {
    const path = '/opt/homebrew/lib/libxgboost.dylib'
    expect(await find({ files: [path], platform: 'darwin' })).toEqual({ path, version: '3.2.0' })
  })

  test('the PATH of Windows', async () => {
    const path = 'C:\\tools/xgboost.dll'
    const found = await find({ files: [path], platform: 'win32', environment: { PATH: 'x;C:\\tools' } })
    expect(found).toEqual({ path, version: '3.2.0' })
  })

  test('what python3 says is the last resort', async () => {
    const path = '/far/away/libxgboost.so'
    expect(await find({ files: [path], python: `${path}\n` })).toEqual({ path, version: '3.2.0' })
  })

  test('a library that does not open is passed over, and told with its reason when nothing else is found', async () => {
    const broken = '/usr/local/lib/libxgboost.so'
    const good = '/usr/lib/libxgboost.so'
    expect(await find({ files: [broken, good], broken: [broken] })).toMatchObject({ path: good })
    const found = await find({ files: [broken], broken: [broken] })
    expect(found).toMatchObject({
      missing: expect.arrayContaining([
        `${broken}: cannot be opened`,
        '/usr/lib',
        'python3: has no xgboost package',
      ]),
      advice: expect.stringContaining('pip install xgboost'),
    })
  })
})

interface World {
  readonly files?: readonly string[]
  readonly broken?: readonly string[]
  readonly setting?: string
  readonly environment?: LibrarySearch['environment']
  readonly platform?: NodeJS.Platform
  readonly python?: string
}

/** A disk that holds `files` and nothing else. */
const find = ({
  files = [],
  broken = [],
  setting = '',
  environment = {},
  platform = 'linux',
  python,
}: World) =>
  findXgboostLibrary({
    setting,
    environment,
    platform,
    projectDirectory: '/project',
    list: async (folder) => {
      const below = files.filter((file) => file.startsWith(`${folder}/`))
      return [...new Set(below.map((file) => `${folder}/${file.slice(folder.length + 1).split('/')[0]}`))]
    },
    run: async () => python,
    open: (path) => {
      if (!files.includes(path) || broken.includes(path)) throw new Error('cannot be opened')
      return '3.2.0'
    },
  })
