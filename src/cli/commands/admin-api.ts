import type { ServingSettings } from '../../config/serving-config.ts'
import { VigiaError } from '../../errors.ts'
import type { ToldModel } from '../../lifecycle/control-of-service.ts'
import type { CommandContext } from '../command.ts'

/** What a server says of states of another layout. */
export interface ServedBranch {
  readonly layout: string
  readonly model: { readonly name: string; readonly version: string }
  readonly shadow: { readonly name: string; readonly version: string } | null
  readonly source: string | null
  readonly decided_through: number | null
  readonly last_sequence: number
  readonly records_behind: number
  readonly bytes: number
  readonly failure: string
}

/** A server that was found. */
export interface RunningServer {
  readonly branches: readonly ServedBranch[]
  /** Bytes that its states in memory may still take; 0 where it does not say. */
  readonly unfilledCacheBytes: number
}

/** The administration of a running server, as commands use it. */
export interface AdminApi {
  /** Undefined: no server listens there. */
  find(): Promise<RunningServer | undefined>
  /** @throws SERVING_UNREACHABLE */
  list(): Promise<readonly ServedBranch[]>
  adopt(source: string): Promise<readonly ServedBranch[]>
  drop(layout: string): Promise<readonly ServedBranch[]>
  /** @returns how long requests waited while other states took over, in ms; undefined: none did */
  switchTo(source: string): Promise<number | undefined>
  /** Source of the model that decides. */
  champion(): Promise<string>
  /** The models in service. */
  models(): Promise<readonly ToldModel[]>
  setShadow(source: string | null): Promise<void>
  setCanary(source: string | null, share: number): Promise<void>
}

/** A proxy may end a connection after a minute, a runtime after five, while states catch up. */
const MOST_TRIES = 20

const KEY_VARIABLE = 'VIGIA_API_KEY'

/**
 * @param server address; undefined: where the settings say that the server listens
 * @param environment has the key in VIGIA_API_KEY where the server wants one
 */
export const adminApi = (
  { api, security }: Pick<ServingSettings, 'api' | 'security'>,
  server: unknown,
  environment: CommandContext['environment'],
): AdminApi => {
  const scheme = security.tls_certificate === '' ? 'http' : 'https'
  const host = api.host === '0.0.0.0' || api.host === '::' ? '127.0.0.1' : api.host
  const base =
    typeof server === 'string'
      ? server.replace(/\/+$/, '')
      : `${scheme}://${host.includes(':') ? `[${host}]` : host}:${api.port}`
  const key = environment[KEY_VARIABLE]
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${base}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new VigiaError('SERVING_UNREACHABLE', { server: base, reason: reasonOf(error) }, { cause: error })
    })
    const answer = (await response.json().catch(() => ({}))) as Answer
    if (response.ok) return answer
    throw refused(base, path, response.status, answer)
  }
  /** Asks again where the connection was cut before the answer: done twice, the act is as done once. */
  const insist = async (path: string, body: object): Promise<unknown> => {
    for (let tries = 1; ; tries++)
      try {
        return await ask(path, body)
      } catch (error) {
        if (!wasCut(error) || tries === MOST_TRIES) throw error
      }
  }
  const branchesIn = (answer: unknown): readonly ServedBranch[] => (answer as BranchesAnswer).branches
  const branches = async (path: string, body?: object): Promise<readonly ServedBranch[]> =>
    branchesIn(await ask(path, body))
  const list = async (): Promise<RunningServer> => {
    const answer = (await ask('/admin/state/branches')) as BranchesAnswer
    return { branches: answer.branches, unfilledCacheBytes: answer.unfilled_cache_bytes ?? 0 }
  }
  const models = async (): Promise<readonly ToldModel[]> =>
    ((await ask('/admin/models')) as { readonly models: readonly ToldModel[] }).models
  return {
    list: async () => (await list()).branches,
    find: () =>
      list().catch((error: unknown) => {
        if (error instanceof VigiaError && error.code === 'SERVING_UNREACHABLE' && server === undefined)
          return undefined
        throw error
      }),
    adopt: async (source) => branchesIn(await insist('/admin/state/branches/adopt', { source })),
    drop: (layout) => branches('/admin/state/branches/drop', { layout }),
    switchTo: async (source) =>
      ((await insist('/admin/models/switch', { source })) as { readonly layout_pause_ms?: number })
        .layout_pause_ms,
    champion: async () => (await models()).find(({ role }) => role === 'champion')?.source ?? '',
    models,
    setShadow: async (source) => {
      await insist('/admin/models/shadow', { source })
    },
    setCanary: async (source, share) => {
      await insist('/admin/models/canary', { source, share })
    },
  }
}

interface BranchesAnswer {
  readonly branches: readonly ServedBranch[]
  readonly unfilled_cache_bytes?: number
}

interface Answer {
  readonly error?: {
    readonly code?: string
    readonly message?: string
    readonly fix?: string
    readonly details?: Readonly<Record<string, unknown>>
  }
}

/** What the server says, under its own code where this program knows it by. */
const refused = (base: string, path: string, status: number, { error }: Answer): VigiaError => {
  const said = [error?.message, error?.fix].filter((text) => text !== undefined)
  const reason = said.length === 0 ? `it answered ${status}` : said.join('. ')
  if (error?.code === 'SERVING_BRANCH_FAILED')
    return new VigiaError('SERVING_BRANCH_FAILED', {
      layout: String(error.details?.['layout']),
      reason: String(error.details?.['reason']),
    })
  return new VigiaError('SERVING_ACT_REFUSED', { server: base, act: path, reason })
}

const reasonOf = (error: unknown): string => {
  const { cause, message } = error as Error
  return cause instanceof Error ? cause.message : message
}

/** Codes of a connection that was open, and ended without an answer. */
const CUT = new Set(['UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'ECONNRESET', 'EPIPE'])

const wasCut = (error: unknown): boolean => {
  if (!(error instanceof VigiaError) || error.code !== 'SERVING_UNREACHABLE') return false
  const { cause } = error.cause as Error
  return CUT.has(String((cause as NodeJS.ErrnoException | undefined)?.code))
}
