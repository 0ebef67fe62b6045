import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { openSegmentLog } from '../../src/adapters/segments/segment-log.ts'
import type { InferenceObserver } from '../../src/decisions/inference-pipeline.ts'
import { readLostNumbers, rememberLost } from '../../src/decisions/log/log-gaps.ts'
import { IDENTITY_NOTE } from '../../src/decisions/states/store-identity.ts'
import { type FolderOwner, holdFolder, type SeenBeat, watchFolder } from '../../src/disk/folder-lock.ts'
import { VigiaError } from '../../src/errors.ts'
import type { World } from '../../src/foundation/world.ts'
import { openService, type Service, type ServiceOptions } from '../../src/pipelines/service/open-service.ts'
import type { OpenStates, ServingStorage } from '../../src/pipelines/service/serving-storage.ts'
import { storeFailed } from './owned-store.ts'
import { modelOf, SALT } from './served-model.ts'
import { slowShared } from './shared-store.ts'
import type { Server, Site } from './site.ts'

const DAY_MS = 86_400_000
const MEBIBYTE = 1 << 20

/** Warnings that are part of what is simulated; any other one is a broken rule. */
const EXPECTED_WARNINGS = new Set([
  'SERVING_LOG_FAILED',
  'SERVING_STORE_FAILED',
  'SERVING_ARCHIVE_FAILED',
  'SERVING_LEASE_LOST',
  'SERVING_FUTURE_BLINDS',
  'SERVING_OUTBOX_STUCK',
  'SERVING_LABELS_ONE_SIDED',
  'SERVING_CHOICE_LOST',
])

/** Draws many of the few transactions of a run, and bounds what is let through. */
const CONTROL_SAMPLE = {
  let_through: 0.5,
  review: 0.3,
  most_amount_minor: { other: 2000 },
  except: {},
  salt: SALT,
}

/** Opens what a server serves with, as one does that starts; runs in turns of its process. */
export const openServer = (site: Site, server: Server): Promise<Service> =>
  openService({
    settings: settingsOf(site, server),
    storage: storageOf(site, server),
    load: async (source) => modelOf(source === 'models:/simulated/2' ? 2 : 1, site.setup.unlabelled),
    workingDirectory: '/',
    observer: observerOf(site),
    world: worldOf(site),
    work: { signal: new AbortController().signal, reportProgress: () => undefined },
    eventTime: { maxFutureMs: DAY_MS, maxAgeMs: DAY_MS },
    // Smaller than settings may say, so that states are evicted.
    cacheBytes: site.setup.cacheBytes,
  })

const settingsOf = (site: Site, { host }: Server): ServiceOptions['settings'] => {
  const { setup } = site
  return {
    model: { source: 'models:/simulated/1', shadow: '', canary: '', canary_share: 0 },
    state_store: {
      kind: setup.states === 'owned' ? 'lmdb' : 'redis',
      path: '/states',
      url: '',
      prefix: '',
      cache_size: 0,
      save_interval: `${setup.saveAfterMs}ms`,
      repetition_window: '30d',
      expire: 'auto',
    },
    prediction_log: {
      path: site.logFolder(host),
      durability: setup.durability,
      segment_size: setup.segmentBytes / MEBIBYTE,
      // They are not simulated.
      keep: 'forever',
      snapshot_every: '0s',
      snapshots_kept: 2,
    },
    tables: {},
    event_time: { max_future: '1d', max_age: '1d' },
    feedback: { waiting_labels: 100, waiting_time: '30d' },
    ...(setup.sampled && { control_sample: CONTROL_SAMPLE }),
  } as unknown as ServiceOptions['settings']
}

/** As `src/composition` opens storage, over the simulated disk and stores. */
const storageOf = (site: Site, server: Server): ServingStorage => {
  const owner = ownerOf(site, server)
  const onLost = (): void => ousted(site, server)
  let seen: SeenBeat | undefined
  return {
    lost: new Promise(() => undefined),
    watchLog: ({ path }) => {
      seen = watchFolder(path, owner)
    },
    openStates: () => openStates(site, server, owner, onLost),
    openLog: async ({ path, durability }) => {
      const log = await openSegmentLog({
        folder: path,
        owner,
        durability,
        segmentBytes: site.setup.segmentBytes,
        onLost,
        seen,
      })
      if (site.lost.length > 0)
        await rememberLost(log, [...(await readLostNumbers(log)), ...site.lost.splice(0)])
      return log
    },
    readLog: openLogReader,
  }
}

const worldOf = ({ machine }: Site): World => ({
  now: () => machine.wallMs,
  monotonicMs: () => machine.nowMs,
  newId: () => machine.newName(),
})

const ownerOf = (site: Site, { process, host }: Server): FolderOwner => {
  const { machine } = site
  return {
    processId: process.id,
    host,
    processSpace: `space of ${host}`,
    isAlive: (processId) => site.isAlive(processId),
    clocks: {
      monotonicMs: () => machine.nowMs,
      wallMs: () => machine.wallMs,
      pause: (ms) => machine.pause(ms),
      every: (ms, beat) => {
        let isOn = true
        const again = (): void =>
          void machine.after(
            ms,
            () => {
              if (!isOn) return
              again()
              void beat()
            },
            process,
          )
        again()
        return () => {
          isOn = false
        }
      },
    },
  }
}

const openStates = async (
  site: Site,
  server: Server,
  owner: FolderOwner,
  onLost: () => void,
): Promise<OpenStates> => {
  const { host, process } = server
  if (site.setup.states === 'owned') {
    const lease = await holdFolder('/states', owner, { onLost }).catch((error: Error) => {
      throw error instanceof VigiaError ? error : storeFailed(error.message)
    })
    return { kind: 'owned', name: 'states', store: site.folder.open(lease) }
  }
  const store = await site.openShared({ consumer: `${host}-${process.id}`, takeOverAfterMs: 3000 })
  return {
    kind: 'shared',
    name: 'shared',
    store: slowShared(site, {
      ...store,
      readNote: (name) => {
        if (name === IDENTITY_NOTE) server.lookedMs ??= site.machine.nowMs
        return store.readNote(name)
      },
    }),
    persistence: { kind: 'log', says: '' },
  }
}

/** As `vigia serve` does: a server that was ousted ends, some moments later. */
const ousted = (site: Site, server: Server): void => {
  if (server.isOusted) return
  server.isOusted = true
  site.machine.tell(`process ${server.process.id} was ousted`)
  site.machine.after(site.draw() * 50, () => site.kill(server, 'ousted'), null)
}

const observerOf = (site: Site): InferenceObserver => ({
  lookedUp: () => undefined,
  predicted: () => undefined,
  shadowed: () => undefined,
  labelled: () => undefined,
  updated: () => undefined,
  mistimed: () => undefined,
  warned: (code, details) => {
    site.machine.tell(`warned: ${code} ${JSON.stringify(details)}`)
    if (EXPECTED_WARNINGS.has(code)) return
    if (code === 'SERVING_LOG_LOST' && site.isLossy) return
    if (code === 'SERVING_REPLAY_DIFFERS' && site.hasHole) return
    if (code === 'SERVING_HISTORY_LOST' && site.emptiedAtMs !== undefined) return
    site.broken(`a server warned of ${code} ${JSON.stringify(details)}`)
  },
})
