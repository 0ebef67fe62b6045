import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { eventually } from '../eventually.ts'
import { describeOnRedis } from './servers-on-redis.ts'
import { smallTransaction } from './small-service.ts'
import { runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

describeOnRedis('A backup of a server on Redis', (site) => {
  test('has its log: when server and Redis are lost, the states come back from it, with every answer up to it', async () => {
    const home = site.home()
    const [lost, fresh] = [await site.redis(), await site.redis()]
    const onLost = await site.settingsOn(lost)
    const original = await startVigiaServer(home, onLost)
    const answers: string[] = []
    for (let n = 1; n <= 30; n++) answers.push(await ask(original, n))
    // In the log by then, which alone is backed up.
    // The labels that training still waited for stand before the first.
    const { sequence: last } = JSON.parse(answers.at(-1)!.replace(/}?$/, '}')) as { sequence: number }
    expect(last).toBeGreaterThan(30)
    await eventually(async () => expect(await recordsIn(join(home, '.vigia/log'))).toBe(last))
    const sets = (settings: readonly string[]) => settings.flatMap((setting) => ['--set', setting])
    const taken = await runVigia(home, ['backup', '--to', 'kept', ...sets(onLost)])
    expect([taken.status, taken.stderr]).toEqual([0, ''])
    expect(taken.stdout).toContain(`the log up to record ${last}; the states are in no folder of this server`)
    await ask(original, 31)
    await original.kill()
    await lost.kill()

    const restored = await runVigia(home, ['restore', '--from', 'kept', '--to', 'restored'])
    expect(restored.stdout).toMatch(
      /states +none: they are in Redis\nnext +vigia state restore --log restored\/log/,
    )
    const settings = [...(await site.settingsOn(fresh)), 'prediction_log.path=restored/log']
    // What was decided after the backup nobody knows of: its numbers are left out.
    const back = await runVigia(home, ['state', 'restore', '--skip', '1000', ...sets(settings)])
    expect([back.status, back.stderr]).toEqual([0, ''])
    expect(back.stdout).toMatch(/replayed +30 decisions/)
    const copy = await startVigiaServer(home, settings)
    for (let n = 1; n <= 30; n++)
      expect(await ask(copy, n)).toBe(answers[n - 1]!.replace('"repeated":false', '"repeated":true'))
    expect(await ask(copy, 32)).toContain(`"sequence":${last + 1001},`)
    expect((await runVigia(home, ['log', 'verify', '--log', 'restored/log'])).status).toBe(0)
  })
})

/** The answer, but for how long this request took. */
const ask = async ({ port }: VigiaServer, n: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(smallTransaction(n)),
  })
  return (await response.text()).replace(/,"latency_ms":[\d.e-]+}$/, '}')
}

/** Records in a log. */
const recordsIn = async (folder: string): Promise<number> => {
  let records = 0
  for await (const _ of openLogReader(folder).read(0)) records++
  return records
}
