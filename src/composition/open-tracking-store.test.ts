import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'

const open = (uri: string, environment: Readonly<Record<string, string>> = {}) => {
  const { settings } = loadTrainingConfig({
    environment: {},
    assignments: [`tracking.uri=${uri}`],
    workingDirectory: '/project',
  })
  const owner = { processId: 1, host: 'here', isAlive: () => true }
  return trackingStoreOpener({ workingDirectory: '/project', world: { now: () => 0 }, owner })(
    settings.tracking,
    environment,
  )
}
const locationOf = (...args: Parameters<typeof open>) => open(...args).tracker.location

test('without a server runs are recorded in a folder', () => {
  expect(locationOf('')).toBe('mlruns')
  expect(locationOf('elsewhere/mlruns')).toBe('elsewhere/mlruns')
  expect(locationOf('file:///project/runs')).toBe('runs')
})

test('an address is a server, and shows no password', () => {
  expect(locationOf('http://127.0.0.1:5000')).toBe('http://127.0.0.1:5000')
  expect(locationOf('https://ada:secret@mlflow.example/base')).toBe('https://mlflow.example/base')
})

test("the setting wins over MLflow's own variable", () => {
  const environment = { MLFLOW_TRACKING_URI: 'http://127.0.0.1:6000' }
  expect(locationOf('', environment)).toBe('http://127.0.0.1:6000')
  expect(locationOf('http://127.0.0.1:5000', environment)).toBe('http://127.0.0.1:5000')
})

test.each(['sqlite:///mlflow.db', 'postgresql://host/db', 'databricks', 'file://host/path'])(
  '%s is no place that can be written to from here',
  (uri) => {
    expect(() => open(uri)).toThrow(`tracking.uri is ${uri}; allowed are http:// and https:// addresses`)
    expect(() => open('', { MLFLOW_TRACKING_URI: uri })).toThrow(`MLFLOW_TRACKING_URI is ${uri}`)
  },
)
