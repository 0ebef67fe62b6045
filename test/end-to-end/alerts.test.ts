import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HttpReceiver, openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import { openSmtpReceiver, type SmtpReceiver } from '../../src/adapters/alerts/smtp-receiver.test-kit.ts'
import { alertsOpener } from '../../src/composition/open-alerts.ts'
import { loadServingConfig } from '../../src/config/config-manager.ts'
import { temporaryFolder, vigiaWith } from './vigia-in-process.ts'

const ROUTING_KEY = 'R0123456789abcdef0123456789abcde'
const SECRET = `whsec_${Buffer.alloc(24, 3).toString('base64')}`
const NOW_MS = 1_600_000_000_000
const KEY = 'vigia/fraud/drift/all'

describe('vigia alerts', () => {
  const { path: work, remove } = temporaryFolder()
  let http: HttpReceiver
  let smtp: SmtpReceiver
  let place = 0
  beforeEach(async () => {
    http = await openHttpReceiver(({ path }) => ({
      status: path.includes('enqueue') ? 202 : 200,
      body: 'ok',
    }))
    smtp = await openSmtpReceiver()
    writeFileSync(join(work, 'serving.yaml'), configuration(`alerts-${++place}`))
    writeFileSync(join(work, 'hook.secret'), `${SECRET}\n`)
  })
  afterEach(async () => {
    await http.close()
    await smtp.close()
  })
  afterAll(remove)

  const configuration = (folder: string) => `
alerts:
  path: ${folder}
  channels:
    pager: { kind: pagerduty, secret_variable: PAGER_KEY, url: '${http.url}' }
    hook: { kind: webhook, url: '${http.url}/hook', secret_file: hook.secret, allowed_hosts: [127.0.0.1] }
    mail: { kind: email, host: 127.0.0.1, port: ${smtp.port}, tls: none, from: vigia@bank.example, to: [desk@bank.example] }
`
  const vigia = (...words: readonly string[]) =>
    vigiaWith(work, ['alerts', ...words, '--config', 'serving.yaml'], { PAGER_KEY: ROUTING_KEY, USER: 'ana' })

  /** What a monitor does in a process of its own. */
  const look = async (severity: 'critical' | 'none', id: string) => {
    const { alerts } = loadServingConfig({
      file: { name: 'serving.yaml', directory: work, text: readFileSync(join(work, 'serving.yaml'), 'utf8') },
      environment: {},
      assignments: [],
      workingDirectory: work,
    }).settings
    const parts = {
      world: { now: () => NOW_MS - 60_000, newId: () => id },
      owner: { processId: process.pid, host: 'here', isAlive: () => false },
    }
    const { center } = await alertsOpener(parts)(alerts, { PAGER_KEY: ROUTING_KEY })
    const finding = { kind: 'drift', segment: '', severity, summary: 'The amounts have moved' }
    await center.look({
      id,
      model: 'fraud',
      monitor: 'daily',
      everyMs: 86_400_000,
      kinds: ['drift'],
      findings: [finding],
    })
    await center.close()
  }

  it('test sends a marked message and its end through every channel, and prints what happened', async () => {
    const { status, stdout, stderr } = await vigia('test')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toBe('delivered  pager\ndelivered  hook\ndelivered  mail\n')
    const events = http.received.filter(({ path }) => path === '/v2/enqueue').map(({ body }) => body)
    expect(events.map(({ event_action, dedup_key }) => [event_action, dedup_key])).toEqual([
      ['trigger', 'vigia/test/test/pager'],
      ['resolve', 'vigia/test/test/pager'],
    ])
    expect(events[0].payload.summary).toMatch(/^TEST, no alarm/)
    expect(smtp.received.map(({ headers }) => headers['subject']?.slice(0, 14))).toEqual(
      Array(2).fill('TEST, no alarm'),
    )
  })

  it('test says why one did not arrive, ends with 1, and tells no secret', async () => {
    http.reply = ({ path, headers, text }) => ({
      status: 400,
      body: `${path} ${JSON.stringify(headers)} ${text}`,
    })
    const { status, stdout } = await vigia('test')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^FAILED {2}pager: PagerDuty answered 400/m)
    expect(stdout).toMatch(/^delivered {2}mail$/m)
    expect(stdout).not.toContain(ROUTING_KEY)
    expect(stdout).not.toContain(SECRET.slice(6))
  })

  it('test of one channel needs no secret of another', async () => {
    const words = ['alerts', 'test', '--channel', 'mail', '--config', 'serving.yaml']
    expect(await vigiaWith(work, words, {})).toMatchObject({ status: 0, stdout: 'delivered  mail\n' })
    const all = await vigiaWith(work, ['alerts', 'test', '--config', 'serving.yaml'], {})
    expect([all.status, all.stdout]).toEqual([
      1,
      'FAILED  pager: the environment variable PAGER_KEY, which has its secret, is not set\ndelivered  hook\ndelivered  mail\n',
    ])
    const unknown = await vigia('test', '--channel', 'page')
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('pager, hook, mail')])
  })

  it('test without channels is a no', async () => {
    writeFileSync(join(work, 'serving.yaml'), '')
    expect(await vigia('test')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('No channel is configured'),
    })
  })

  it('lists what a monitor found, delivers it, takes an acknowledgement, a silence and their end', async () => {
    expect((await vigia('list')).stdout).toBe('No alert yet.\n')
    await look('critical', 'monday')
    expect((await vigia('list')).stdout).toMatch(
      /^firing +critical +2020-09-13T12:25:40.000Z +vigia\/fraud\/drift\/all/m,
    )
    expect((await vigia('deliver')).stdout.match(/^delivered +fired of vigia/gm)).toHaveLength(3)
    const acknowledged = await vigia('acknowledge', KEY)
    expect(acknowledged.stdout).toContain(`acknowledged ${KEY} by ana`)
    expect(http.received.map(({ body }) => body.event_action).filter(Boolean)).toEqual([
      'trigger',
      'acknowledge',
    ])
    const silenced = await vigia(
      'silence',
      KEY,
      '--until',
      '8h',
      '--reason',
      'new card product',
      '--by',
      'luis',
    )
    expect([silenced.status, silenced.stdout]).toEqual([
      0,
      `silenced ${KEY} until 2020-09-13T20:26:40.000Z by luis\n`,
    ])
    expect((await vigia('list')).stdout).toContain(
      'acknowledged by ana; silenced until 2020-09-13T20:26:40.000Z by luis: new card product',
    )
    expect((await vigia('unsilence', KEY)).status).toBe(0)
    const { stdout } = await vigia('history', KEY)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1, 3).join(' '))).toEqual([
      'vigia ok to firing',
      'vigia fired',
      ...Array(3).fill('vigia delivered'),
      'ana acknowledged it',
      'vigia acknowledged',
      ...Array(3).fill('vigia delivered'),
      'luis silenced it',
      'ana ended its silence',
      '',
    ])
  })

  it('without a secret acts all the same, and says what waits for whoever has it', async () => {
    await look('critical', 'monday')
    const words = ['alerts', 'acknowledge', KEY, '--config', 'serving.yaml']
    const { status, stdout } = await vigiaWith(work, words, { USER: 'ana' })
    expect([status, stdout.match(/^delivered +\w+ of .* to (?:hook|mail)$/gm)?.length]).toEqual([0, 4])
    expect(stdout).toContain(
      'waiting    for pager, which cannot be sent through here: the environment variable PAGER_KEY',
    )
    expect((await vigia('deliver')).stdout.match(/^delivered .* to pager$/gm)).toHaveLength(2)
  })

  it('config validate names every secret that is missing, unless it shall not look', async () => {
    const words = ['config', 'validate', '--kind', 'serving', '--config', 'serving.yaml']
    expect(await vigiaWith(work, words, { PAGER_KEY: ROUTING_KEY })).toMatchObject({ status: 0 })
    writeFileSync(join(work, 'hook.secret'), '')
    const { status, stderr } = await vigiaWith(work, words, {})
    expect(status).toBe(2)
    expect(stderr).toContain('pager: the environment variable PAGER_KEY, which has its secret, is not set')
    expect(stderr).toContain('hook: the file')
    expect(await vigiaWith(work, [...words, '--without-secrets'], {})).toMatchObject({ status: 0 })
  })

  it('test names a heartbeat without its address', async () => {
    writeFileSync(join(work, 'serving.yaml'), 'alerts: { heartbeat: { secret_variable: BEAT } }\n')
    expect(await vigia('test')).toMatchObject({
      status: 1,
      stdout: 'FAILED  alerts.heartbeat: the environment variable BEAT, which has its secret, is not set\n',
    })
  })

  it('plans a silence, lists it, and cancels it', async () => {
    const planned = await vigia('plan', '--model', 'fr*', '--until', '4h', '--reason', 'migration')
    const [, id = ''] =
      /^planned silence (\w{8}) of vigia\/fr\*\/\*\/\* from 2020-09-13T12:26:40.000Z until 2020-09-13T16:26:40.000Z by ana$/m.exec(
        planned.stdout,
      )!
    expect((await vigia('list')).stdout).toContain(
      `silent     ${id} vigia/fr*/*/* from 2020-09-13T12:26:40.000Z until 2020-09-13T16:26:40.000Z by ana: migration`,
    )
    // The look is of a minute before: the silence holds back what comes after.
    await look('critical', 'monday')
    expect((await vigia('list')).stdout).toContain(
      `silenced until 2020-09-13T16:26:40.000Z as planned (${id})`,
    )
    expect(await vigia('cancel', id)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`the planned silence ${id} is cancelled`),
    })
    const later = await vigia('plan', '--from', '2h', '--until', '4h', '--reason', 'later')
    expect(later.stdout).toContain('from 2020-09-13T14:26:40.000Z until 2020-09-13T18:26:40.000Z')
    expect((await vigia('list')).stdout).toMatch(/^planned {4}\w{8} vigia\/\*\/\*\/\*/m)
  })

  it('forgets an alert, and a model', async () => {
    await look('critical', 'monday')
    await vigia('deliver')
    const { status, stdout } = await vigia('forget', KEY)
    expect([status, stdout.match(/^delivered +resolved of /gm)?.length]).toEqual([0, 3])
    expect((await vigia('list')).stdout).toMatch(/^No alert yet\.\nlooks {6}fraud\/daily: last /)
    expect((await vigia('forget', '--model', 'fraud')).stdout).toContain(
      'forgot everything of the model fraud',
    )
    expect((await vigia('list')).stdout).toBe('No alert yet.\n')
  })

  it.each([
    [['list', 'extra'], 'list takes no further word; got "extra"'],
    [['deliver', 'now'], 'deliver takes no further word; got "now"'],
    [['test', 'mail'], 'test takes no further word; got "mail"'],
    [['plan', KEY, '--until', '1h', '--reason', 'x'], 'plan takes no further word'],
    [['list', '--until', '8h'], '--until belongs to silence and plan; got it with list'],
    [['acknowledge', KEY, '--reason', 'x'], '--reason belongs to silence and plan; got it with acknowledge'],
    [['history', '--channel', 'mail'], '--channel belongs to test; got it with history'],
    [['cancel'], 'cancel needs the id of a planned silence; got none'],
    [['forget'], 'forget needs the key of an alert or --model; got none'],
    [['forget', KEY, '--model', 'fraud'], 'forget needs the key of an alert or --model; got both'],
    [['plan', '--reason', 'x'], 'plan needs --until, such as 8h; got nothing'],
    [['plan', '--until', '1h', '--from', 'now', '--reason', 'x'], '--from is a duration such as 8h'],
    [['acknowledge', KEY, 'twice'], 'too many arguments'],
  ])('refuses what it does not know: %j', async (words, text) => {
    const { status, stderr } = await vigia(...words)
    expect([status, stderr]).toEqual([2, expect.stringContaining(text)])
  })

  it('says what it cannot do', async () => {
    await look('critical', 'monday')
    const cases: [readonly string[], string][] = [
      [['acknowledge'], 'needs the key of an alert'],
      [['acknowledge', 'vigia/x'], `There is no alert vigia/x; known are: ${KEY}`],
      [['silence', KEY, '--reason', 'x'], '--until'],
      [['silence', KEY, '--until', 'tomorrow', '--reason', 'x'], 'got "tomorrow"'],
      [['silence', KEY, '--until', '2020-01-01T00:00:00Z', '--reason', 'x'], 'has passed'],
      [['silence', KEY, '--until', '1h'], 'no reason'],
    ]
    for (const [words, text] of cases) {
      const { status, stderr } = await vigia(...words)
      expect([words, status, stderr]).toEqual([words, 2, expect.stringContaining(text)])
    }
  })

  it('keeps what is not taken, says so, and writes no secret anywhere', async () => {
    http.reply = ({ path }) => ({ status: path === '/hook' ? 410 : 503 })
    await look('critical', 'monday')
    const { status, stdout } = await vigia('deliver')
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^refused +fired of .* to hook/m)])
    const list = (await vigia('list')).stdout
    expect(list).toMatch(/^waiting +fired of vigia\/fraud\/drift\/all for pager: 1 attempts/m)
    expect(list).toMatch(/^UNDELIVERED fired of vigia\/fraud\/drift\/all for hook/m)
    expect(list).toMatch(/^switched off hook/m)
    http.reply = () => ({ status: 202 })
    await vigia('test', '--channel', 'hook')
    expect((await vigia('list')).stdout).not.toContain('switched off')
    const folder = join(work, `alerts-${place}`)
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(
        new RegExp(`${ROUTING_KEY}|${SECRET.slice(6, 20)}`),
      )
  })

  it('gives JSON for machines', async () => {
    await look('critical', 'monday')
    const list = JSON.parse((await vigia('list', '--json')).stdout)
    expect(list.alerts[0]).toMatchObject({ key: KEY, status: 'firing', severity: 'critical' })
    expect(list.waiting).toHaveLength(3)
  })
})
