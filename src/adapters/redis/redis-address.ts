import {
  closeInTime,
  connectClient,
  type RedisReply,
  type RedisWord,
  reasonOf,
  sendWords,
} from './redis-client.ts'

/** Where a store is. */
export interface RedisAddress {
  /** Without user and password, for people. */
  readonly name: string
  /**
   * The server that takes writes now, as `redis://…`. Asked before each connection.
   *
   * @throws an Error that says why nobody knows it
   */
  locate(): Promise<string>
}

/** Parts of `redis+sentinel://…` and `redis+cluster://…`. */
interface ManyServers {
  /** `redis:` or `rediss:`. */
  readonly protocol: string
  /** User and password as they stand in the address, with `@`; empty without. */
  readonly login: string
  /** `host:port` of each. */
  readonly hosts: readonly string[]
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

const SENTINEL_PORT = 26_379
const SERVER_PORT = 6379

/**
 * Reads the address of a store:
 *
 * - `redis://user:password@host:port/database`, `rediss://` with TLS: one server;
 * - `redis+sentinel://user:password@host1:26379,host2:26379/master/database`: the master of that name, as one
 *   of these Sentinels knows it. User and password are the master's; `?sentinel_password=` and
 *   `?sentinel_username=` are those of the Sentinels;
 * - `redis+cluster://user:password@host1:6379,host2:6379`: the node of a Cluster that has the slot of `key`.
 *
 * @param key of which a Cluster has one slot: all keys of a store share it
 * @throws an Error that says what is wrong with it, without passwords
 */
export const redisAddress = (url: string, key: string): RedisAddress => {
  const [, protocol = '', kind] = /^(rediss?)(?:\+(\w+))?:\/\//.exec(url) ?? []
  if (protocol === '') throw new Error(`${schemeOf(url)}; allowed: ${ALLOWED}`)
  if (kind === undefined) return { name: serverName(url), locate: async () => url }
  if (kind === 'sentinel') return sentinelAddress(manyServers(url, `${protocol}:`, SENTINEL_PORT))
  if (kind === 'cluster') return clusterAddress(manyServers(url, `${protocol}:`, SERVER_PORT), key)
  throw new Error(`it begins with ${protocol}+${kind}://; allowed: ${ALLOWED}`)
}

const ALLOWED = 'redis://, redis+sentinel://, redis+cluster://, and the same with rediss for TLS'

/** How an address begins, without what may be a password. */
const schemeOf = (url: string): string => {
  const [scheme] = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url) ?? []
  return scheme === undefined ? 'it does not say what it is the address of' : `it begins with ${scheme}`
}

/** The server of an address, without user and password. */
export const serverName = (url: string): string =>
  URL.canParse(url) && new URL(url).host !== '' ? `redis at ${new URL(url).host}` : 'redis'

const manyServers = (url: string, protocol: string, defaultPort: number): ManyServers => {
  const [, login = '', hosts = '', path = '', query = ''] =
    /^[^:]+:\/\/(?:(.*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url) ?? []
  const named = hosts.split(',').filter((host) => host !== '')
  if (named.length === 0) throw new Error('it names no host')
  return {
    protocol,
    login: login === '' ? '' : `${login}@`,
    hosts: named.map((host) => (/:\d+$/.test(host) ? host : `${host}:${defaultPort}`)),
    path: path.split('/').filter((part) => part !== ''),
    query: new URLSearchParams(query),
  }
}

const sentinelAddress = ({ protocol, login, hosts, path, query }: ManyServers): RedisAddress => {
  const [master, database = '0'] = path
  if (master === undefined || !/^\d+$/.test(database))
    throw new Error('after the Sentinels it needs the name of the master: …/mymaster, or …/mymaster/0')
  const [user, password] = [query.get('sentinel_username'), query.get('sentinel_password')]
  const own = password === null ? '' : `${encodeURIComponent(user ?? '')}:${encodeURIComponent(password)}@`
  return {
    name: `redis master ${master} of the Sentinels ${hosts.join(', ')}`,
    locate: () =>
      firstAnswer(hosts, async (host) => {
        const words = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]
        const reply = (await ask(`${protocol}//${own}${host}`, words)) as readonly Buffer[] | null
        if (reply === null) throw new Error(`it knows no master of the name ${master}`)
        return `${protocol}//${login}${hostOf(String(reply[0]))}:${reply[1]}/${database}`
      }),
  }
}

const clusterAddress = ({ protocol, login, hosts, path }: ManyServers, key: string): RedisAddress => {
  if (path.length > 0 && path.join('/') !== '0') throw new Error('a Cluster has no databases but 0')
  return {
    name: `redis Cluster of ${hosts.join(', ')}`,
    locate: () =>
      firstAnswer(hosts, async (host) => {
        const node = `${protocol}//${login}${host}`
        const slot = (await ask(node, ['CLUSTER', 'KEYSLOT', key])) as number
        const ranges = (await ask(node, ['CLUSTER', 'SLOTS'])) as readonly (readonly RedisReply[])[]
        const range = ranges.find(([first, last]) => (first as number) <= slot && slot <= (last as number))
        if (range === undefined) throw new Error(`no node has the slot ${slot} of the keys of this store`)
        const [endpoint, port] = range[2] as readonly [Buffer | null, number]
        // A node that does not know its own name is the one that was asked.
        const name = endpoint === null || endpoint.length === 0 ? host.replace(/:\d+$/, '') : String(endpoint)
        return `${protocol}//${login}${hostOf(name)}:${port}`
      }),
  }
}

const hostOf = (name: string): string => (name.includes(':') && !name.startsWith('[') ? `[${name}]` : name)

/** @throws an Error with the reasons of all, when none has an answer */
const firstAnswer = async (
  hosts: readonly string[],
  answerOf: (host: string) => Promise<string>,
): Promise<string> => {
  const reasons: string[] = []
  for (const host of hosts) {
    try {
      return await answerOf(host)
    } catch (error) {
      reasons.push(`${host}: ${reasonOf(error)}`)
    }
  }
  throw new Error(reasons.join('; '))
}

const ask = async (url: string, words: readonly RedisWord[]): Promise<RedisReply> => {
  const client = await connectClient(url)
  try {
    return await sendWords(client, words)
  } finally {
    await closeInTime(client)
  }
}
