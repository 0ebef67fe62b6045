import { expect, test } from 'vitest'
import { boundedStart, type StartedProcess } from './bounded-start.ts'

const SERVER: StartedProcess = {
  argv: ['/usr/bin/node', '/app/bin/vigia.mjs', 'serve', '--config', 'serving.yaml'],
  argv0: 'node',
  env: { PATH: '/usr/bin' },
  execArgv: ['--enable-source-maps'],
  execPath: '/usr/bin/node',
  platform: 'linux',
  versions: { node: '24.0.0' } as NodeJS.ProcessVersions,
  execve: () => {
    throw new Error('not to be called')
  },
}

test('a server starts again with a bounded young generation and one pool of the allocator', () => {
  expect(boundedStart(SERVER)).toEqual({
    file: '/usr/bin/node',
    words: [
      'node',
      '--enable-source-maps',
      '--max-semi-space-size=8',
      '/app/bin/vigia.mjs',
      'serve',
      '--config',
      'serving.yaml',
    ],
    environment: { PATH: '/usr/bin', MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' },
  })
})

test('one that started so does not start once more', () => {
  const { words, environment } = boundedStart(SERVER)!
  const [, first = '', second = '', ...rest] = words
  const again = { ...SERVER, execArgv: [first, second], argv: [SERVER.execPath, ...rest], env: environment }
  expect(boundedStart(again)).toBeUndefined()
})

test('what a user has set stays', () => {
  const own = { PATH: '', MALLOC_ARENA_MAX: '4', NODE_OPTIONS: '--no-warnings --max_semi_space_size=32' }
  const start = boundedStart({ ...SERVER, env: own })!
  expect(start.words).not.toContain('--max-semi-space-size=8')
  expect(start.environment).toEqual({ ...own, MALLOC_TRIM_THRESHOLD_: '131072' })
  expect(boundedStart({ ...SERVER, env: start.environment })).toBeUndefined()
})

test('so does what NODE_OPTIONS has in quotes', () => {
  const env = { NODE_OPTIONS: '--require "./a b.js" "--max-semi-space-size=32"' }
  expect(boundedStart({ ...SERVER, env })?.words).not.toContain('--max-semi-space-size=8')
})

test.each<readonly [string, Partial<StartedProcess>]>([
  ['Windows', { platform: 'win32' }],
  ['a parent that talks to it', { send: () => true }],
  ['Deno', { versions: { ...SERVER.versions, deno: '2.9.6' } }],
  ['Bun', { versions: { ...SERVER.versions, bun: '1.4.0' } }],
  ['rights that forbid it', { permission: { has: (scope) => scope !== 'child' } }],
])('it starts once only under %s', (_, process) => {
  expect(boundedStart({ ...SERVER, ...process })).toBeUndefined()
})

test('it starts once only under a Node.js without execve', () => {
  const { execve: _, ...older } = SERVER
  expect(boundedStart(older)).toBeUndefined()
})

test('without glibc it is the young generation alone', () => {
  expect(boundedStart({ ...SERVER, platform: 'darwin' })?.environment).toEqual(SERVER.env)
})
