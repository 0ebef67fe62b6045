import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const LOAD = fileURLToPath(new URL('load.mjs', import.meta.url))

/**
 * Servers get a core of their own and who asks them another one, where the system can say so (taskset of
 * Linux).
 */
const hasTaskset = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0
const SERVER_CORE = 0
const CLIENT_CORE = 1
export const pinning = hasTaskset
  ? 'server on one core, load on another'
  : 'server and load on any core: taskset is missing'

const onCore = (core, command, words) =>
  hasTaskset ? ['taskset', ['-c', String(core), command, ...words]] : [command, words]

export const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * Starts a server in `folder` and waits until GET <ready> answers 200. Its output goes nowhere but for the
 * last of stderr.
 *
 * @param server `command`, `words` (a function of the port), `ready` (path), `folder`; `isPinned` gives it a
 * core
 */
export const startServer = async ({ command, words, ready, folder, isPinned = true, env = {} }) => {
  const port = await freePort()
  const [program, given] = isPinned ? onCore(SERVER_CORE, command, words(port)) : [command, words(port)]
  const started = performance.now()
  const child = spawn(program, given, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints = (complaints + text).slice(-4000)
  })
  const stop = async (signal = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await ended
    clearTimeout(timer)
  }
  while (!(await answers(port, ready))) {
    if (child.exitCode !== null) throw new Error(`${command} ended before it was ready: ${complaints}`)
    if (performance.now() - started > 120_000) {
      await stop('SIGKILL')
      throw new Error(`${command} was not ready after two minutes: ${complaints}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return { port, child, processId: child.pid, readyMs: performance.now() - started, stop }
}

const answers = async (port, path) => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

/** Runs the load generator as a process of its own. */
export const runLoad = (options) =>
  new Promise((resolve, reject) => {
    const [program, words] = onCore(CLIENT_CORE, process.execPath, [LOAD, JSON.stringify(options)])
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(printed))
      else reject(new Error(`the load generator ended with ${code}`))
    })
  })

const TICKS_PER_SECOND = 100

/** CPU seconds of a process, or of its children that have ended: fields of its stat file from `at` on. */
const cpuSecondsAt = (processId, at) => {
  const fields = readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[at]) + Number(fields[at + 1])) / TICKS_PER_SECOND
}
const OWN = 11
const OF_ENDED_CHILDREN = 13

/** What a process has cost so far, as Linux tells; undefined elsewhere. */
export const costOf = (processId) => {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8')
    const megabytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
    return {
      cpuSeconds: cpuSecondsAt(processId, OWN),
      peakMegabytes: megabytes('VmHWM'),
      /** Of its own, and what the kernel maps of files. */
      ownMegabytes: megabytes('RssAnon'),
      mappedMegabytes: megabytes('RssFile'),
    }
  } catch {
    return undefined
  }
}

/** What a process has cost since `before`, as a row tells it; nothing where nobody knows. */
export const costSince = (before, processId) => {
  const after = costOf(processId)
  return after === undefined
    ? {}
    : { cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMegabytes: after.peakMegabytes }
}

/** CPU seconds of this process's children that have ended, as Linux tells; undefined elsewhere. */
const cpuSecondsOfEnded = () => {
  try {
    return cpuSecondsAt('self', OF_ENDED_CHILDREN)
  } catch {
    return undefined
  }
}

/**
 * Runs a command to its end, and tells what it cost: seconds with its start, CPU seconds, and its greatest
 * memory within 20 ms.
 */
export const runCommand = async (command, words, workingDirectory) => {
  const before = cpuSecondsOfEnded()
  const started = performance.now()
  const child = spawn(command, words, { cwd: workingDirectory, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints = `${complaints}${text}`.slice(-2000)
  })
  let peakMegabytes
  const sampling = setInterval(() => {
    peakMegabytes = costOf(child.pid)?.peakMegabytes || peakMegabytes
  }, 20)
  try {
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${words.slice(0, 2).join(' ')} ended with ${code}: ${complaints}`)
  } finally {
    clearInterval(sampling)
  }
  const seconds = (performance.now() - started) / 1000
  const after = cpuSecondsOfEnded()
  return {
    seconds,
    ...(after !== undefined && { cpuSeconds: after - before }),
    ...(peakMegabytes !== undefined && { peakMegabytes }),
  }
}

/** How many files, sockets and pipes a process has open, and how many of them are sockets. */
export const descriptorsOf = (processId) => {
  const names = readdirSync(`/proc/${processId}/fd`)
  const isSocket = (name) => {
    try {
      return readlinkSync(`/proc/${processId}/fd/${name}`).startsWith('socket:')
    } catch {
      return false
    }
  }
  return { all: names.length, sockets: names.filter(isSocket).length }
}
