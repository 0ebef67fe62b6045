import { ERRORS, type ErrorCode, VigiaError } from '../errors.ts'

/**
 * The error of the registry that `error` is or was before it passed between threads, which keeps the details
 * but not the class; undefined for any other error.
 */
export const asRegistryError = (error: unknown): VigiaError | undefined => {
  if (error instanceof VigiaError) return error
  return isOfRegistry(error)
    ? new VigiaError(error.code, error.details as never, { cause: error })
    : undefined
}

const isOfRegistry = (error: unknown): error is { readonly code: ErrorCode; readonly details: unknown } =>
  typeof error === 'object' &&
  error !== null &&
  'details' in error &&
  'code' in error &&
  String(error.code) in ERRORS
