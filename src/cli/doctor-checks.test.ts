import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkMlflowFolder } from './doctor-checks.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-doctor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("a folder of runs is told with MLflow's error and both ways out", async () => {
  const finding = await checkMlflowFolder(folder, {})
  expect(finding.status).toBe('warn')
  expect(finding.found).toContain('is in maintenance mode')
  expect(finding.nextStep).toContain(`mlflow migrate-filestore --source ${folder} --target`)
  expect(finding.nextStep).toContain('MLFLOW_ALLOW_FILE_STORE=true')
})

test('nothing is told where there is no folder, where a server has the runs, and where MLflow may read it', async () => {
  for (const [place, environment] of [
    [join(folder, 'none'), {}],
    [undefined, {}],
    [folder, { MLFLOW_ALLOW_FILE_STORE: 'True' }],
  ] as const)
    expect((await checkMlflowFolder(place, environment)).status).toBe('ok')
})
