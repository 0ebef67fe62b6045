import { createRequire } from 'node:module'
import type Koffi from 'koffi'
import { VigiaError } from '../../errors.ts'

/** Loaded at the first use: where its binary does not run, everything but XGBoost still does. */
let loaded: typeof Koffi | undefined
const loadKoffi = (): typeof Koffi => {
  loaded ??= createRequire(import.meta.url)('koffi') as typeof Koffi
  return loaded
}

/** A matrix or a booster of the library: an address. */
export type Handle = unknown

/**
 * The calls of XGBoost's C interface that training needs (`xgboost/c_api.h`, 1.6 to 3.2). Each throws
 * LEARNING_XGBOOST_FAILED with what the library says. Calls block; a thread of its own is the place for them.
 */
export interface XgboostLibrary {
  /** Absolute. */
  readonly path: string
  /** `3.2.0`. */
  readonly version: string
  /** Rows of `columns` floats next to each other; NaN is missing. The library copies them. */
  createMatrix(values: Float32Array, rows: number, columns: number): Handle
  /** `label` or `weight`, one float a row. */
  setFloats(matrix: Handle, field: 'label' | 'weight', values: Float32Array): void
  /** `float` or `c` (codes without an order) by feature. */
  setFeatureTypes(matrix: Handle, types: readonly string[]): void
  freeMatrix(matrix: Handle): void
  createBooster(matrices: readonly Handle[]): Handle
  setParameter(booster: Handle, name: string, value: string): void
  /** Grows the trees of one round on `matrix`. */
  update(booster: Handle, round: number, matrix: Handle): void
  /** `[0]\tname-aucpr:0.91`, as the library writes it. */
  evaluate(booster: Handle, round: number, matrix: Handle, name: string): string
  /** Probabilities by row. */
  predict(booster: Handle, matrix: Handle, rows: number): Float32Array
  saveJson(booster: Handle): Uint8Array
  freeBooster(booster: Handle): void
}

const PREDICT = JSON.stringify({
  type: 0,
  training: false,
  iteration_begin: 0,
  iteration_end: 0,
  strict_shape: false,
})

/**
 * Opens the shared library at `path`, which is absolute: no search path decides what code runs.
 *
 * @throws LEARNING_XGBOOST_FAILED when it cannot be opened or is no XGBoost of 1.6 or newer
 */
export const openXgboost = (path: string): XgboostLibrary => {
  const fail = (call: string, reason: string): never => {
    throw new VigiaError('LEARNING_XGBOOST_FAILED', { library: path, call, reason })
  }
  const library = attempt(
    () => loadKoffi().load(path),
    (reason) => fail('opening', reason),
  )
  const lookUp = (definition: string) =>
    attempt(
      () => library.func(definition),
      (reason) => fail('opening', reason),
    )
  const version = readVersion(lookUp('void XGBoostVersion(_Out_ int* a, _Out_ int* b, _Out_ int* c)'))
  const lastError = lookUp('const char* XGBGetLastError()')
  /** A function that answers 0, or what went wrong. Its name is the word before the bracket. */
  const checked = (definition: string) => {
    const call = lookUp(`int ${definition}`)
    const name = definition.slice(0, definition.indexOf('('))
    return (...values: readonly unknown[]): void => {
      if (call(...values) !== 0) fail(name, firstLine(String(lastError())))
    }
  }
  const createMatrix = checked(
    'XGDMatrixCreateFromMat(const float* data, uint64_t rows, uint64_t columns, float missing, _Out_ void** out)',
  )
  const setFloats = checked(
    'XGDMatrixSetFloatInfo(void* matrix, const char* field, const float* values, uint64_t length)',
  )
  const setTexts = checked(
    'XGDMatrixSetStrFeatureInfo(void* matrix, const char* field, const char** values, uint64_t length)',
  )
  const createBooster = checked('XGBoosterCreate(void** matrices, uint64_t length, _Out_ void** out)')
  const setParameter = checked('XGBoosterSetParam(void* booster, const char* name, const char* value)')
  const update = checked('XGBoosterUpdateOneIter(void* booster, int round, void* matrix)')
  const evaluate = checked(
    'XGBoosterEvalOneIter(void* booster, int round, void** matrices, const char** names, uint64_t length, _Out_ const char** out)',
  )
  const predict = checked(
    'XGBoosterPredictFromDMatrix(void* booster, void* matrix, const char* config, _Out_ void** shape, _Out_ uint64_t* dimensions, _Out_ void** out)',
  )
  const save = checked(
    'XGBoosterSaveModelToBuffer(void* booster, const char* config, _Out_ uint64_t* length, _Out_ void** out)',
  )
  return {
    path,
    version,
    createMatrix: (values, rows, columns) =>
      taken((out) => createMatrix(values, rows, columns, Number.NaN, out)),
    setFloats: (matrix, field, values) => setFloats(matrix, field, values, values.length),
    setFeatureTypes: (matrix, types) => setTexts(matrix, 'feature_type', types, types.length),
    freeMatrix: checked('XGDMatrixFree(void* matrix)'),
    createBooster: (matrices) => taken((out) => createBooster(matrices, matrices.length, out)),
    setParameter,
    update,
    evaluate: (booster, round, matrix, name) =>
      String(taken((out) => evaluate(booster, round, [matrix], [name], 1, out))),
    predict: (booster, matrix, rows) => {
      const address = taken((out) => predict(booster, matrix, PREDICT, [null], [0], out))
      return Float32Array.from(loadKoffi().decode(address, 'float', rows))
    },
    saveJson: (booster) => {
      const length = [0]
      const address = taken((out) => save(booster, '{"format":"json"}', length, out))
      // The library overwrites its buffer at the next call, so it is copied.
      return new Uint8Array(loadKoffi().view(address, Number(length[0]))).slice()
    },
    freeBooster: checked('XGBoosterFree(void* booster)'),
  }
}

/** What a call writes into its last argument. */
const taken = (call: (out: unknown[]) => void): unknown => {
  const out: unknown[] = [null]
  call(out)
  return out[0]
}

const attempt = <T>(action: () => T, onError: (reason: string) => never): T => {
  try {
    return action()
  } catch (error) {
    return onError((error as Error).message)
  }
}

const readVersion = (call: (...out: number[][]) => void): string => {
  const parts = [[0], [0], [0]]
  call(...parts)
  return parts.map(([part]) => part).join('.')
}

/** The library's reasons go on with a stack of addresses. */
const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''
