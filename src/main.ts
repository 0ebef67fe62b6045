import { readFileSync } from 'node:fs'
import { runProgram } from './cli/program.ts'
import { systemWorld } from './composition/system-world.ts'
import { thisProcess } from './composition/this-process.ts'
import type { FolderOwner } from './disk/folder-lock.ts'

/**
 * The composition root: environment, clock, streams and signals are chosen here and handed in.
 *
 * The exit code is set, not forced, so that what was written to a pipe is flushed.
 */
const interruption = new AbortController()
process.on('SIGINT', () => {
  // A second Ctrl-C means now.
  if (interruption.signal.aborted) process.exit(130)
  interruption.abort()
})
// How a supervisor asks: the same, and it will not ask twice.
process.on('SIGTERM', () => interruption.abort())

// `vigia config show | head` closes the pipe early: that is the reader's right, not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 74)
})

const outputOf = (stream: NodeJS.WriteStream) => ({
  isTerminal: stream.isTTY === true,
  columns: stream.columns ?? 80,
  write: (text: string): void => {
    stream.write(text)
  },
})

const packageFile = new URL('../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }

const owner: FolderOwner = {
  ...thisProcess(),
  onWaiting: (folder, { processId, host }, mostMs) =>
    process.stderr.write(
      `waiting    for ${folder}: process ${processId} on ${host} holds it and is silent; after ${mostMs / 1000} s of silence it is taken over\n`,
    ),
  onStuck: (folder) =>
    process.stderr.write(
      `waiting    for ${folder}: the process that had it stands still, in the middle of a write or with the process id of this one, and keeps LMDB from opening until it goes on or has ended: end it (kill -9, or remove its container)\n`,
    ),
}

const words = process.argv.slice(2)

// A server is started often, and somebody waits for it.
const isServe = words.find((word) => !word.startsWith('-')) === 'serve'
const { composeCommands } = isServe
  ? await import('./composition/compose-serve.ts')
  : await import('./composition/compose-commands.ts')
const commands = composeCommands({
  version,
  workingDirectory: process.cwd(),
  owner,
  world: systemWorld,
})

process.exitCode = await runProgram(words, commands, {
  version,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  environment: process.env,
  workingDirectory: process.cwd(),
  signal: interruption.signal,
  onHangup: (listener) => {
    process.on('SIGHUP', listener)
    return () => process.off('SIGHUP', listener)
  },
  world: systemWorld,
})
