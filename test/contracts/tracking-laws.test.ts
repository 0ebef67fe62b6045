import { appendFileSync } from 'node:fs'
import { describe } from 'vitest'
import { VigiaError } from '../../src/errors.ts'
import type { ExperimentTracker, RunQuery } from '../../src/ports/experiment-tracker.ts'
import type { ModelRegistry } from '../../src/ports/model-registry.ts'
import type { ExperimentTrackerSubject } from '../../src/testing/experiment-tracker/tracker-law.ts'
import { experimentTrackerLaws } from '../../src/testing/experiment-tracker-laws.ts'
import { createMemoryTrackingStore } from '../../src/testing/memory/memory-tracking-store.ts'
import { type ModelRegistrySubject, modelRegistryLaws } from '../../src/testing/model-registry-laws.ts'
import { refuseAll } from './faults.ts'

describe('a broken experiment tracker', () => {
  refuseAll(experimentTrackerLaws, [
    {
      what: 'one that drops a parameter',
      subject: trackerWith((tracker) => ({
        logEntries: (id, { params = {}, ...entries }) =>
          tracker.logEntries(id, { ...entries, params: Object.fromEntries(Object.entries(params).slice(1)) }),
      })),
      breaks: 'law 1: parameters have names and values of any script, with slashes, line breaks and quotes',
    },
    {
      what: 'one that gives a name twice',
      subject: trackerWith((tracker) => ({
        createExperiment: async (name, tags) =>
          (await tracker.findExperiment(name)) ?? tracker.createExperiment(name, tags),
      })),
      breaks: 'law 2: experiments have a name each: a second one is refused',
    },
    {
      what: 'one that looks for a name, and makes the experiment a moment later',
      subject: trackerWith((tracker) => ({
        createExperiment: async (name, tags) => {
          const found = await tracker.findExperiment(name)
          if (found !== undefined) return tracker.createExperiment(name, tags)
          await nextTurn()
          return (await tracker.findExperiment(name)) ?? tracker.createExperiment(name, tags)
        },
      })),
      breaks: 'law 2: experiments of ten who create one name at once, one succeeds, and its tags are there',
    },
    {
      what: 'one that lets the first value of a parameter stand, and says nothing',
      subject: trackerWith((tracker) => ({
        logEntries: (id, entries) =>
          tracker.logEntries(id, entries).catch(ignoring('TRACKING_PARAM_CONFLICT')),
      })),
      breaks: 'law 3: parameters are written once: the same again changes nothing, another value is refused',
    },
    {
      what: 'one that has no NaN',
      subject: trackerWith((tracker) => ({
        metricHistory: async (id, key) =>
          (await tracker.metricHistory(id, key)).map((metric) => ({ ...metric, value: metric.value || 0 })),
      })),
      breaks: 'law 4: NaN, infinities and the ends of the doubles come back as they were',
    },
    {
      what: 'one that keeps the end of a run that goes on',
      subject: trackerWith((tracker) => ({
        setRunStatus: async (id, status, endTimeMs) =>
          tracker.setRunStatus(id, status, endTimeMs ?? (await tracker.getRun(id)).endTimeMs),
      })),
      breaks: 'law 5: runs end, and go on',
    },
    {
      what: 'one whose pages begin at a place in the list',
      subject: trackerWith((tracker) => ({
        searchRuns: async ({ page = '0', pageSize = 100, ...query }: RunQuery) => {
          const { items } = await tracker.searchRuns(query)
          const end = Number(page) + pageSize
          return {
            items: items.slice(Number(page), end),
            ...(end < items.length && { nextPage: String(end) }),
          }
        },
      })),
      breaks: 'law 6: a run that begins while pages are read moves none of the others',
    },
    {
      what: 'one that cuts long values',
      subject: trackerWith((tracker) => ({
        logEntries: (id, { params = {}, ...entries }) => {
          const cut = Object.entries(params).map(([key, value]) => [key, value.slice(0, 6000)])
          return tracker.logEntries(id, { ...entries, params: Object.fromEntries(cut) })
        },
      })),
      breaks:
        'law 7: parameters of 6,000 characters arrive whole; a longer one is refused, and nothing of its call is written',
    },
    {
      what: 'one that adds a byte to a file',
      subject: trackerWith((tracker) => ({
        downloadArtifact: async (id, path, localPath) => {
          await tracker.downloadArtifact(id, path, localPath)
          appendFileSync(localPath, '\n')
        },
      })),
      breaks: 'law 8: artifacts come back byte for byte, with their sizes, in folders',
    },
    {
      what: 'one that makes nothing of a file that is not there',
      subject: trackerWith((tracker) => ({
        downloadArtifact: (...wanted) =>
          tracker.downloadArtifact(...wanted).catch(ignoring('TRACKING_NOT_FOUND')),
      })),
      breaks: 'law 9: an artifact that is not there is said so, and a path out of the run is refused',
    },
    {
      what: 'one that makes a model anew each time its folder is logged',
      subject: trackerWith((tracker) => ({
        listLoggedModels: async (id) => {
          const models = await tracker.listLoggedModels(id)
          return [...models, ...models]
        },
      })),
      breaks: 'law 10: a folder with an MLmodel is one logged model of its run, whose files come back',
    },
  ])
})

describe('a broken model registry', () => {
  refuseAll(modelRegistryLaws, [
    {
      what: 'one that counts versions from 0',
      subject: registryWith((registry) => ({
        createVersion: async (wanted) => {
          const made = await registry.createVersion(wanted)
          return { ...made, version: made.version - 1 }
        },
      })),
      breaks: 'law 1: of ten versions that are made at once, each has its number',
    },
    {
      what: 'one that removes an alias before it sets it anew',
      subject: registryWith((registry) => ({
        setAlias: async (name, alias, version) => {
          await registry.deleteAlias(name, alias)
          await nextTurn()
          await registry.setAlias(name, alias, version)
        },
        findModel: async (name) => {
          await nextTurn()
          return registry.findModel(name)
        },
      })),
      breaks: 'law 2: while an alias is moved to and fro it is never gone',
    },
    {
      what: 'one that forgets tags',
      subject: registryWith(() => ({ tagVersion: async () => {} })),
      breaks: 'law 3: tags of a version are added and replaced',
    },
    {
      what: 'one that brings the files of the whole run',
      subject: registryWith((registry, tracker) => ({
        downloadVersion: async (name, version, folder) => {
          const found = await registry.findVersion(name, version)
          await tracker.downloadArtifact(found?.runId ?? '', 'model/vigia', folder)
        },
      })),
      breaks: 'law 4: the files of a version are those of its run, byte for byte',
    },
    {
      what: 'one in which the last description counts',
      subject: registryWith((registry) => {
        const descriptions = new Map<string, string>()
        return {
          ensureModel: (name, description) => {
            descriptions.set(name, description)
            return registry.ensureModel(name, description)
          },
          findModel: async (name) => {
            const found = await registry.findModel(name)
            return found && { ...found, description: descriptions.get(name)! }
          },
        }
      }),
      breaks: 'law 5: a model is made once, and found by every process',
    },
    {
      what: 'one that makes the model which a version lacks',
      subject: registryWith((registry) => ({
        createVersion: async (wanted) => {
          await registry.ensureModel(wanted.name, '')
          return registry.createVersion(wanted)
        },
      })),
      breaks: 'law 6: a version of a model or a run that is not there is refused',
    },
  ])
})

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const ignoring =
  (code: string) =>
  (error: unknown): void => {
    if (!(error instanceof VigiaError) || error.code !== code) throw error
  }

/** A tracker in memory with some calls replaced; both handles of a law are it. */
function trackerWith(
  faults: (tracker: ExperimentTracker) => Partial<ExperimentTracker>,
): ExperimentTrackerSubject {
  const { tracker } = createMemoryTrackingStore()
  const broken = { ...tracker, ...faults(tracker) }
  return { open: async () => broken }
}

function registryWith(
  faults: (registry: ModelRegistry, tracker: ExperimentTracker) => Partial<ModelRegistry>,
): ModelRegistrySubject {
  const { registry, tracker } = createMemoryTrackingStore()
  const broken = { tracker, registry: { ...registry, ...faults(registry, tracker) } }
  return { open: async () => broken }
}
