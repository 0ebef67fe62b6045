// Sends transactions to POST <path> and prints what came of it as JSON: node load.mjs '<request as JSON>'. A
// process of its own, so that it does not share a thread with the server; plain sockets, so that it costs
// little; no pipelining.
//
// closed: `connections` send the next request when the last one is answered: how much the server can do.
// open:   requests are due at even intervals whether or not earlier ones are answered. A latency is counted
//         from the moment a request was due, so that a server that stands still makes all waiting requests
//         slow and not only one (no coordinated omission). What they waited here for a free connection is
//         part of it; `serverMs` counts from the moment a request was sent. Connections are made before: a
//         server accepts one in each turn of its event loop, and what is measured is what it does with
//         requests.
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { pathToFileURL } from 'node:url'

/**
 * @param options `bodies`: file of JSON lines, sent from line `from` (default 0) on, at most `requests` of
 * them or for `seconds`; past the end it starts again with new transaction ids at later times. `rate` a
 * second makes the load open. `answers`: file for the bodies of answers.
 */
export const load = (options) =>
  new Promise((resolve, reject) => {
    const { port, path = '/predict', host = '127.0.0.1', connections = 64, from = 0, rate } = options
    const { requests = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options
    const bodyAt = bodiesOf(options.bodies)
    const latencies = new Samples()
    const serverTimes = new Samples()
    const refusals = new Samples()
    const statuses = {}
    const answers = options.answers === undefined ? undefined : []
    let taken = 0
    let finished = 0
    let failed = 0
    let withoutRetryAfter = 0
    let isOver = false
    let started = performance.now()
    const idle = []
    const sockets = new Set()
    const isDone = () => isOver || taken >= requests || performance.now() - started >= seconds * 1000

    const open = () => {
      const socket = connect(port, host)
      sockets.add(socket)
      socket.setNoDelay(true)
      const client = { socket, dueMs: 0, sentMs: 0, isGreeting: false, isBusy: false, text: '', index: 0 }
      socket.on('connect', () => (rate === undefined ? free(client) : greet(client)))
      socket.on('data', (part) => read(client, part))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        if (client.isBusy) failed++
        if (client.isBusy) finished++
        const at = idle.indexOf(client)
        if (at >= 0) idle.splice(at, 1)
        if (isOver) return
        if (isDone() && finished >= taken) end()
        else setTimeout(open, 5)
      })
    }
    // The kernel connects long before the server accepts: only an answer tells that it has.
    const greet = (client) => {
      client.isGreeting = true
      client.socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
    }
    const send = (client, dueMs) => {
      client.index = taken++
      const body = bodyAt(from + client.index)
      client.dueMs = dueMs
      client.sentMs = performance.now()
      client.isBusy = true
      client.text = ''
      client.socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    }
    const read = (client, part) => {
      if (!client.isBusy && !client.isGreeting) return
      client.text += part.latin1Slice()
      const head = client.text.indexOf('\r\n\r\n')
      if (head < 0) return
      const at = client.text.toLowerCase().indexOf('content-length: ')
      const length = Number.parseInt(client.text.slice(at + 16, at + 26), 10)
      if (client.text.length < head + 4 + length) return
      if (client.isGreeting) {
        client.isGreeting = false
        free(client)
        return
      }
      const now = performance.now()
      const latency = now - client.dueMs
      const status = client.text.slice(9, 12)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === '200') {
        latencies.add(latency)
        serverTimes.add(now - client.sentMs)
      } else refusals.add(latency)
      if (status === '503' && !/\r\nretry-after: \d/i.test(client.text.slice(0, head))) withoutRetryAfter++
      if (answers !== undefined) answers[client.index] = client.text.slice(head + 4)
      finished++
      client.isBusy = false
      if (/\r\nconnection: close/i.test(client.text.slice(0, head))) client.socket.destroy()
      else free(client)
      if (isDone() && finished >= taken) end()
    }
    const free = (client) => {
      if (rate === undefined) {
        if (!isDone()) send(client, performance.now())
      } else idle.push(client)
    }
    let due = 0
    const begin = () => {
      if (isOver) return
      if (idle.length < connections) setTimeout(begin, 1)
      else {
        started = performance.now()
        tick()
      }
    }
    const tick = () => {
      if (isOver) return
      const now = performance.now()
      // Those that are due while no connection is free wait, and their wait counts.
      while (due < requests && due < seconds * rate && idle.length > 0) {
        const dueMs = started + (due * 1000) / rate
        if (dueMs > now) break
        due++
        // Each in its turn: a connection that nobody uses is closed by the server.
        send(idle.shift(), dueMs)
      }
      if (due >= Math.min(requests, Math.ceil(seconds * rate))) {
        if (finished >= taken) end()
        else setTimeout(tick, 1)
      }
      // A timer's millisecond would be most of what is measured: this process has nothing else to do.
      else if (options.isPatient === true) setTimeout(tick, 1)
      else setImmediate(tick)
    }
    const limit = setTimeout(() => end(), (Number.isFinite(seconds) ? seconds : 3600) * 1000 + 30_000)
    const end = () => {
      if (isOver) return
      isOver = true
      clearTimeout(limit)
      const elapsed = (performance.now() - started) / 1000
      for (const socket of sockets) socket.destroy()
      if (answers !== undefined) writeFileSync(options.answers, `${answers.join('\n')}\n`)
      resolve({
        sent: taken,
        answered: finished - failed,
        failed,
        unanswered: taken - finished,
        statuses,
        seconds: elapsed,
        perSecond: (statuses['200'] ?? 0) / elapsed,
        withoutRetryAfter,
        latencyMs: latencies.summary(),
        serverMs: serverTimes.summary(),
        refusalMs: refusals.summary(),
      })
    }
    try {
      for (let i = 0; i < connections; i++) open()
    } catch (error) {
      reject(error)
    }
    if (rate !== undefined) setImmediate(begin)
  })

/** Milliseconds, in a list that grows without being copied a number at a time. */
class Samples {
  values = new Float64Array(1 << 16)
  count = 0
  add(value) {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.count * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count++] = value
  }
  summary() {
    if (this.count === 0) return null
    const sorted = this.values.slice(0, this.count).sort()
    const at = (share) =>
      Math.round(sorted[Math.min(this.count - 1, Math.floor(this.count * share))] * 1000) / 1000
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), most: at(1) }
  }
}

const bodiesOf = (file) => {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const first = JSON.parse(lines[0])
  const span = Date.parse(JSON.parse(lines.at(-1)).timestamp) - Date.parse(first.timestamp) + 1000
  return (index) => {
    const round = Math.floor(index / lines.length)
    const line = lines[index % lines.length]
    if (round === 0) return line
    const body = JSON.parse(line)
    body.transaction_id = `${body.transaction_id}-${round}`
    body.timestamp = new Date(Date.parse(body.timestamp) + round * span).toISOString()
    return JSON.stringify(body)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(`${JSON.stringify(await load(JSON.parse(process.argv[2])))}\n`)
