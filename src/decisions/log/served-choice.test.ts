import { describe, expect, test } from 'vitest'
import { chooseModels, type ServedChoice, type ServedSources, type StartChoice } from './served-choice.ts'

const CONFIGURED: ServedSources = { source: 'runs/a', shadow: '', canary: '', canary_share: 0.05 }
const SERVED: ServedSources = { ...CONFIGURED, source: 'runs/b', shadow: 'runs/c' }
const CHOICE: ServedChoice = { configured: CONFIGURED, served: SERVED, chosenAtMs: 5 }

const start = async (
  kept: ServedChoice | undefined,
  configured: ServedSources,
  load = async (sources: ServedSources) => sources.source,
) => {
  const told: (StartChoice | string)[] = []
  const log = { readDocument: async () => (kept === undefined ? undefined : JSON.stringify(kept)) }
  const chosen = await chooseModels(log, configured, load, {
    observer: { warned: (code) => void told.push(code) },
    onModels: (choice) => void told.push(choice),
  })
  return { ...chosen, told }
}

describe('the models of a start', () => {
  test('are those of the configuration where nobody chose others', async () => {
    expect(await start(undefined, CONFIGURED)).toEqual({ sources: CONFIGURED, models: 'runs/a', told: [] })
    const back = { ...CHOICE, served: { ...CONFIGURED, canary_share: 0.5 } }
    expect(await start(back, CONFIGURED)).toEqual({ sources: CONFIGURED, models: 'runs/a', told: [] })
  })

  test('are those that were chosen while the configuration says what it said then, and that is told', async () => {
    expect(await start(CHOICE, CONFIGURED)).toEqual({
      sources: SERVED,
      models: 'runs/b',
      told: [{ ...CHOICE, isStanding: true }],
    })
  })

  test('are those of a configuration that was changed since, and that is told', async () => {
    const changed = { ...CONFIGURED, source: 'runs/d' }
    expect(await start(CHOICE, changed)).toEqual({
      sources: changed,
      models: 'runs/d',
      told: [{ ...CHOICE, configured: changed, isStanding: false }],
    })
  })

  test('are those of the configuration when the chosen ones cannot be loaded, with a warning', async () => {
    const gone = async ({ source }: ServedSources) => {
      if (source === 'runs/b') throw new Error('gone')
      return source
    }
    expect(await start(CHOICE, CONFIGURED, gone)).toEqual({
      sources: CONFIGURED,
      models: 'runs/a',
      told: ['SERVING_CHOICE_LOST', { ...CHOICE, isStanding: false }],
    })
    await expect(
      start(CHOICE, CONFIGURED, async () => {
        throw new Error('none')
      }),
    ).rejects.toThrow('none')
  })
})
