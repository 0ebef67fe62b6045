import { execFileSync } from 'node:child_process'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'
import { xgboost } from '../../src/learning/algorithms/xgboost.ts'
import { algorithmSettings, modelSettings } from '../../src/pipelines/training/model-settings.ts'
import { algorithmLaws } from '../../src/testing/algorithm-laws.ts'
import { holdToLaws } from '../hold-to-laws.ts'

const library = findLibrary()

// The laws that the unit tests hold XGBoost to where a library happens to be, here with the one of the Python
// peers.
holdToLaws('XGBoost of the Python peers keeps the laws of an algorithm', algorithmLaws, {
  algorithm: xgboost,
  settings: {
    ...algorithmSettings(
      modelSettings(
        loadTrainingConfig({ environment: {}, assignments: [], workingDirectory: process.cwd() }).settings
          .models.xgboost,
      ),
    ),
    library: library ?? '',
  },
  drawing: { rowShare: 0.5 },
  orderOfRows: 1e-5,
  weightsAsRepetition: 1e-5,
  constantFeature: 0,
  ...(library === undefined && {
    unavailable: process.env['PEER_PYTHON_MISSING'] ?? 'the Python peers were not prepared',
  }),
})

function findLibrary(): string | undefined {
  const named = process.env['XGBOOST_LIBRARY_UNDER_TEST']
  const python = process.env['PEER_PYTHON']
  if (named !== undefined || python === undefined) return named
  const script = 'import xgboost.libpath as l; print(l.find_lib_path()[0])'
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim()
}
