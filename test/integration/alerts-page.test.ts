import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { finding, lookOf, openDesk } from '../../src/alerts/alerts.test-kit.ts'
import { sha256 } from '../../src/foundation/hash.ts'
import { parseApiKeys } from '../../src/serving/safety/api-keys.ts'
import { createTestServer, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'
import { eventually } from '../eventually.ts'
import { BROWSER, BROWSER_MISSING, type BrowserPage, openBrowserPage } from './browser.ts'

const KEY = 'vigia/fraud/drift/all'
/** What would run if any text became HTML or a script. */
const EVIL = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>`

const skipped = BROWSER === undefined ? ` (skipped: ${BROWSER_MISSING})` : ''
describe.skipIf(BROWSER === undefined)(`the page about alerts in a browser${skipped}`, () => {
  let page: BrowserPage
  let server: Awaited<ReturnType<typeof createTestServer>>
  beforeAll(async () => {
    page = await openBrowserPage()
  })
  afterAll(() => page?.close())
  afterEach(() => server?.app.close())

  const openPage = async (options: TestServerOptions = {}) => {
    const desk = openDesk()
    const { center } = desk
    await center.look(lookOf('monday', [finding('critical', { summary: EVIL, details: [EVIL] })]))
    await center.look({ ...lookOf('monday', [finding('critical', { segment: EVIL })]), model: EVIL })
    server = await createTestServer({
      alerts: { center, isKept: () => true, channels: [{ name: 'desk', kind: 'slack_bot' }] },
      world: { now: desk.now, monotonicMs: () => 0, newId: () => '0123456789' },
      ...options,
    })
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.app.server.address() as AddressInfo
    await page.show({ width: 1000, scheme: 'light' })
    await page.open(`http://127.0.0.1:${port}/alerts/page`)
    return { center }
  }
  const content = () => page.evaluate<string>(`document.getElementById('content')?.innerText ?? ''`)
  const focused = () =>
    page.evaluate<string>(
      `(document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent ?? '').trim()`,
    )
  /** Goes on by keyboard until what has the focus is called so. */
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      await page.press('Tab')
      if (name.test(await focused())) return
    }
    throw new Error(`no Tab leads to ${name}`)
  }

  test('tells what fires, and runs nothing of what texts say', async () => {
    await openPage()
    await eventually(async () => expect(await content()).toContain('Firing: 2 critical'))
    expect(await content()).toContain(EVIL)
    expect(await page.evaluate<boolean>('window.ran === undefined')).toBe(true)
    expect(page.problems).toEqual([])
  })

  test('acknowledges and silences by keyboard alone', async () => {
    const { center } = await openPage()
    await eventually(async () => expect(await content()).toContain('Firing: 2 critical'))
    await tabTo(/^Your name/)
    await page.type('ana')
    await tabTo(/^Acknowledge$/)
    await page.press('Enter')
    await eventually(async () => expect(await content()).toContain('Taken on by ana (127.0.0.1)'))
    await tabTo(/^Silence$/)
    await page.press('Enter')
    await tabTo(/^Reason/)
    await page.type('known')
    await tabTo(/^Silence$/)
    await page.press('Space')
    await eventually(async () => expect(await content()).toContain('by ana (127.0.0.1): known'))
    const states = [...(await center.book()).states.values()]
    expect(states.flatMap(({ acknowledged }) => acknowledged?.by ?? [])).toEqual(['ana (127.0.0.1)'])
    expect(states.flatMap(({ silence }) => silence?.reason ?? [])).toEqual(['known'])
    expect(page.problems).toEqual([])
  })

  test.each([
    ['light', 'rgb(251, 251, 250)'],
    ['dark', 'rgb(17, 19, 21)'],
  ] as const)('is as wide as a narrow screen, in %s too', async (scheme, background) => {
    await openPage()
    await page.show({ width: 320, scheme })
    await eventually(async () => expect(await content()).toContain('Firing: 2 critical'))
    await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`)
    expect(await page.evaluate<number>('document.scrollingElement.scrollWidth')).toBeLessThanOrEqual(320)
    expect(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).toBe(background)
    // WCAG 2.2, 2.5.8: targets of at least 24 by 24 pixels.
    const small = `[...document.querySelectorAll('button, summary, input, select')].filter((target) => {
      const { width, height } = target.getBoundingClientRect()
      return target.type !== 'hidden' && width > 0 && (target.type === 'checkbox' ? height < 20 : Math.min(width, height) < 24)
    }).map(({ outerHTML }) => outerHTML)`
    expect(await page.evaluate<readonly string[]>(small)).toEqual([])
  })

  test('asks for a key where the server does, says when it is none, and goes on with the right one', async () => {
    const entry = { name: 'desk', sha256: sha256('desk-key'), scopes: ['read', 'admin'] }
    const { center } = await openPage({ keys: parseApiKeys(JSON.stringify([entry]), 'keys.json') })
    const said = () => page.evaluate<string>(`document.getElementById('status').textContent`)
    await eventually(async () => expect(await said()).toMatch(/key/i))
    expect(await content()).toBe('')
    await tabTo(/^API key/)
    await page.type('guess')
    await page.press('Enter')
    await eventually(async () => expect(await said()).toMatch(/key/i))
    await page.evaluate(`document.getElementById('key').focus()`)
    await page.type('desk-key')
    await page.press('Enter')
    await eventually(async () => expect(await content()).toContain('Firing: 2 critical'))
    await page.evaluate(`document.querySelector('[data-act=acknowledge] button').click()`)
    await eventually(async () => expect(await content()).toMatch(/Taken on by (ana \(desk\)|desk)/))
    expect((await center.book()).states.get(KEY)).toBeDefined()
  })
})
