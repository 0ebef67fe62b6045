import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Program of a Chromium; `npm run test:integration` looks for one. */
export const BROWSER = process.env['BROWSER_PROGRAM']

/** Why there is none. */
export const BROWSER_MISSING =
  process.env['BROWSER_PROGRAM_MISSING'] ?? 'no Chromium was looked for (npm run test:integration does)'

/** One page in a browser without a window. */
export interface BrowserPage {
  open(url: string): Promise<void>
  /** The value of an expression in the page; it must be JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** A key as a person presses it. */
  press(key: keyof typeof KEYS): Promise<void>
  /** Text into what has the focus. */
  type(text: string): Promise<void>
  show(screen: { readonly width: number; readonly scheme: 'light' | 'dark' }): Promise<void>
  /** PNG of all of it, in base64. */
  picture(): Promise<string>
  /** Errors of its scripts, and what its policy has refused. */
  readonly problems: readonly string[]
  close(): Promise<void>
}

const KEYS = {
  Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 },
  Enter: { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' },
  Space: { key: ' ', code: 'Space', windowsVirtualKeyCode: 32, text: ' ' },
} as const

/** Starts a browser that is told what to do over two pipes (Chrome DevTools Protocol). */
export const openBrowserPage = async (): Promise<BrowserPage> => {
  const profile = mkdtempSync(join(tmpdir(), 'vigia-browser-'))
  const browser = spawn(
    BROWSER ?? '',
    [
      '--headless=new',
      // The sandbox of a browser is not to be had as root; the page is our own.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  )
  const problems: string[] = []
  const ask = protocolOver(browser, problems)
  const { targetId } = (await ask('Target.createTarget', { url: 'about:blank' })) as { targetId: string }
  const attached = await ask('Target.attachToTarget', { targetId, flatten: true })
  const { sessionId } = attached as { sessionId: string }
  const tell = (method: string, parameters: object = {}) => ask(method, parameters, sessionId)
  for (const domain of ['Page', 'Runtime', 'Log']) await tell(`${domain}.enable`)
  return {
    problems,
    open: async (url) => {
      await tell('Page.navigate', { url })
    },
    evaluate: async <T>(expression: string) => {
      const answer = await tell('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
      const { result, exceptionDetails } = answer as {
        readonly result: { readonly value: T }
        readonly exceptionDetails?: { readonly text: string }
      }
      if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`)
      return result.value
    },
    press: async (key) => {
      await tell('Input.dispatchKeyEvent', { type: 'keyDown', ...KEYS[key] })
      await tell('Input.dispatchKeyEvent', { type: 'keyUp', ...KEYS[key], text: undefined })
    },
    type: async (text) => {
      await tell('Input.insertText', { text })
    },
    show: async ({ width, scheme }) => {
      const size = { width, height: 900, deviceScaleFactor: 1, mobile: false }
      await tell('Emulation.setDeviceMetricsOverride', size)
      await tell('Emulation.setEmulatedMedia', {
        features: [{ name: 'prefers-color-scheme', value: scheme }],
      })
    },
    picture: async () => {
      const shot = await tell('Page.captureScreenshot', { captureBeyondViewport: true })
      return (shot as { readonly data: string }).data
    },
    close: async () => {
      const ended = new Promise((resolve) => browser.once('exit', resolve))
      // By itself: it ends its helpers, which a signal would leave behind.
      await ask('Browser.close', {})
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: {
    readonly entry?: { readonly source: string; readonly level: string; readonly text: string }
    readonly exceptionDetails?: { readonly text: string }
  }
  readonly result?: object
  readonly error?: { readonly message: string }
}

/** Messages are JSON, each ended by a zero; those that answer have the number of the question. */
const protocolOver = (browser: ChildProcess, problems: string[]) => {
  const [, , , input, output] = browser.stdio as unknown as [null, null, null, Writable, Readable]
  const waiting = new Map<number, { resolve: (result: object) => void; reject: (error: Error) => void }>()
  let last = 0
  let rest = ''
  browser.once('error', (error) => {
    for (const { reject } of waiting.values()) reject(error)
  })
  const read = ({ id, method, params, result, error }: Message): void => {
    const { entry, exceptionDetails } = params ?? {}
    if (method === 'Runtime.exceptionThrown') problems.push(exceptionDetails?.text ?? '')
    // What the server refuses is told there too, and is no fault of the page.
    if (method === 'Log.entryAdded' && entry?.level === 'error' && entry.source !== 'network')
      problems.push(entry.text)
    const asked = waiting.get(id ?? 0)
    if (asked === undefined) return
    waiting.delete(id ?? 0)
    if (error === undefined) asked.resolve(result ?? {})
    else asked.reject(new Error(error.message))
  }
  output.on('data', (bytes: Buffer) => {
    const parts = (rest + bytes.toString('utf8')).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) read(JSON.parse(part) as Message)
  })
  return (method: string, parameters: object, sessionId?: string): Promise<object> =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      input.write(`${JSON.stringify({ id, method, params: parameters, sessionId })}\0`)
    })
}
