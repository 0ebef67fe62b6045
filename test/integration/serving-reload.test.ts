import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { eventually } from '../eventually.ts'
import { HAS_OPENSSL, makeCertificate } from './certificate.ts'
import { freePort } from './redis-server.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, spawnVigiaServer, type VigiaServer } from './vigia-server.ts'

const title = HAS_OPENSSL ? 'a running server' : 'a running server (skipped: there is no openssl)'

describe.skipIf(!HAS_OPENSSL)(title, () => {
  let folder: string
  const at = (name: string): string => join(folder, name)
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-reload-'))
  })
  afterEach(killVigiaServers)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const writeKeys = (...names: readonly string[]): void => {
    const keys = names.map((name) => ({ name, sha256: sha256(`${name}-key`), scopes: ['predict', 'read'] }))
    writeFileSync(at('keys.new'), JSON.stringify(keys))
    renameSync(at('keys.new'), at('keys.json'))
  }
  const writeLevel = (level: string): void => {
    const security = `security:\n  keys: keys.json\n  tls_key: key.pem\n  tls_certificate: certificate.pem\n`
    writeFileSync(at('serving.yaml'), `${security}log:\n  level: ${level}\n`)
  }

  test('takes keys, certificate and log level anew, and drops no request meanwhile', async () => {
    writeKeys('shop', 'desk')
    writeLevel('warn')
    makeCertificate(at('key.pem'), at('certificate.pem'))
    const first = readFileSync(at('certificate.pem'), 'utf8')
    const grpc = { port: await freePort() }
    const settings = [`model.source=${await trainSmallModel()}`, `api.grpc_port=${grpc.port}`]
    const server = await spawnVigiaServer(folder, settings, { config: 'serving.yaml' }).listening
    const statuses = { shop: [] as number[], desk: [] as number[] }
    let isOver = false
    let sent = 0
    const clients = (['shop', 'shop', 'desk'] as const).map(async (name) => {
      while (!isOver) statuses[name].push(await predict(server, `${name}-key`, sent++))
    })
    await eventually(() => expect(statuses.desk.length).toBeGreaterThan(5))
    expect(new Set([...statuses.desk, ...statuses.shop])).toEqual(new Set([200]))
    for (const door of [server, grpc]) expect(await certificateOf(door)).toBe(first)

    // By SIGHUP: a key less, another certificate, another level.
    writeKeys('shop')
    writeLevel('info')
    makeCertificate(at('key.pem'), at('certificate.pem'))
    server.hangUp()
    await eventually(() => expect(statuses.desk.at(-1)).toBe(401))
    for (const door of [server, grpc])
      await eventually(async () => expect(await certificateOf(door)).not.toBe(first))
    await eventually(() => expect(server.output()).toContain('"msg":"request"'))

    // By a change of the file alone: the key again.
    writeKeys('shop', 'desk')
    await eventually(() => expect(statuses.desk.at(-1)).toBe(200))

    // What cannot be used changes nothing, and is told.
    writeFileSync(at('keys.json'), '[]')
    server.hangUp()
    await eventually(() => expect(server.output()).toContain('SERVING_RELOAD_FAILED'))
    const asked = statuses.desk.length
    await eventually(() => expect(statuses.desk.length).toBeGreaterThan(asked + 2))
    isOver = true
    await Promise.all(clients)
    expect(statuses.desk.at(-1)).toBe(200)
    expect(new Set(statuses.shop)).toEqual(new Set([200]))
    expect(await server.stop()).toBe(0)
  })
})

/** The status of the answer to transaction `n`, over a connection of its own. */
const predict = ({ port }: VigiaServer, key: string, n: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    const options = {
      port,
      path: '/predict',
      method: 'POST',
      headers,
      rejectUnauthorized: false,
      agent: false,
    }
    const sent = request(options, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(smallTransaction(n)))
  })

/** The certificate that new connections get, as PEM. */
const certificateOf = ({ port }: Pick<VigiaServer, 'port'>): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, rejectUnauthorized: false }, () => {
      const der = socket.getPeerCertificate().raw.toString('base64')
      const lines = der.match(/.{1,64}/g)!.join('\n')
      socket.end()
      resolve(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`)
    })
    socket.on('error', reject)
  })
