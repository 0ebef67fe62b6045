import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from './processes.mjs'
import { VIGIA } from './world.mjs'

/**
 * `vigia serve` with the world's model and a copy of its states; every setting at its default but what
 * `settings` say.
 */
export const startVigia = async ({ world, folder, settings = [], isPinned = true, nodeWords = [] }) => {
  const place = mkdtempSync(join(folder, 'server-'))
  mkdirSync(join(place, '.vigia'))
  cpSync(world.states, join(place, '.vigia', 'state'), { recursive: true })
  const all = [`model.source=${world.run}`, ...settings]
  const words = (port) => [
    ...nodeWords,
    ...[VIGIA, 'serve', '--set', `api.port=${port}`],
    ...all.flatMap((setting) => ['--set', setting]),
  ]
  try {
    const server = await startServer({
      command: process.execPath,
      words,
      ready: '/health/ready',
      folder: place,
      isPinned,
    })
    return { ...server, place, log: join(place, '.vigia', 'log'), remove: () => remove(place) }
  } catch (error) {
    remove(place)
    throw error
  }
}

const remove = (place) => rmSync(place, { recursive: true, force: true })

/**
 * Replays a server's log: how many values were compared. @throws when one differs, or a decision is missing
 * or there twice
 */
export const replayLog = (server, world) => {
  const words = [VIGIA, 'parity', '--json', '--log', server.log, '--states', join(world.run, 'states')]
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: server.place, maxBuffer: 1 << 26 })
  const compared = JSON.parse(String(stdout) || '[]')
  const [{ report } = {}] = compared
  if (compared.length !== 1) throw new Error(`the log cannot be replayed: ${stderr}`)
  const { rows, values, differing, missing, extra } = report
  if (differing.length > 0 || missing > 0 || extra > 0)
    throw new Error(`served features differ from the replay: ${JSON.stringify(report).slice(0, 500)}`)
  return { rows, values }
}
