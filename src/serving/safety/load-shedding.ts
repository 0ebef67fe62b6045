import type { IncomingMessage, ServerResponse } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What the server has to do at the moment. */
export interface Load {
  /** Counts a request until its response is closed. */
  enter(response: ServerResponse): void
  readonly inFlight: number
  /** Counts what is received and no request yet. @returns ends that */
  hold(): () => void
  /** Why no further request is taken (load shedding); undefined when one is. */
  readonly reason: 'requests_in_flight' | 'event_loop_delay' | undefined
  /** Mean of the last sample, milliseconds. */
  readonly eventLoopDelayMs: number
  /** Streams of lines may take as long as they want. */
  exempt(request: IncomingMessage): void
  stop(): void
}

export interface LoadLimits {
  readonly requestsInFlight: number
  /** 0: no limit. */
  readonly eventLoopDelayMs: number
  readonly bodyTimeoutMs: number
}

const SAMPLE_MS = 250
const RESOLUTION_MS = 10
/** One slow sample may be a model that is loaded or rubbish that is collected. */
const SLOW_SAMPLES = 2

/**
 * Watches requests in flight, the delay of the event loop, and clients that send bodies slowly: `expire` is
 * called once for a request whose body is not there after the limit. No timer is started for a request.
 */
export const watchLoad = (limits: LoadLimits, expire: (request: IncomingMessage) => void): Load => {
  // In order of arrival.
  const open = new Map<ServerResponse, number>()
  let held = 0
  const streams = new WeakSet<IncomingMessage>()
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  let delayMs = 0
  let slowSamples = 0
  const sample = (): void => {
    // The timer itself waits for its resolution.
    delayMs = Number.isNaN(delays.mean) ? 0 : Math.max(0, delays.mean / 1e6 - RESOLUTION_MS)
    delays.reset()
    slowSamples = limits.eventLoopDelayMs > 0 && delayMs > limits.eventLoopDelayMs ? slowSamples + 1 : 0
    const latest = performance.now() - limits.bodyTimeoutMs
    for (const [response, since] of open) {
      if (since > latest) break
      const { req } = response
      // A request that came by gRPC is whole before it begins here, and says nothing of it.
      if (req.complete === false && !req.destroyed && !streams.has(req)) expire(req)
    }
  }
  const timer = setInterval(sample, SAMPLE_MS)
  timer.unref()
  function leave(this: ServerResponse): void {
    open.delete(this)
  }
  return {
    enter: (response) => {
      open.set(response, performance.now())
      response.on('close', leave)
    },
    hold: () => {
      held++
      let isHeld = true
      return () => {
        if (isHeld) held--
        isHeld = false
      }
    },
    get inFlight() {
      return open.size + held
    },
    get reason() {
      if (open.size + held >= limits.requestsInFlight) return 'requests_in_flight'
      return slowSamples >= SLOW_SAMPLES ? 'event_loop_delay' : undefined
    },
    get eventLoopDelayMs() {
      return delayMs
    },
    exempt: (request) => {
      streams.add(request)
    },
    stop: () => {
      clearInterval(timer)
      delays.disable()
    },
  }
}
