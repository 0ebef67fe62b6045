import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import { checkModelName as checkNameOfModel, checkTrackingKey } from '../../ports/tracking-limits.ts'

/** The longest name of a file that the common file systems take, in bytes of UTF-8. */
const LONGEST_NAME = 255

/** The file of a key below `folder`; a slash in the key is a folder. @throws TRACKING_NAME_INVALID */
export const keyPath = (folder: string, what: string, key: string): string => {
  checkTrackingKey(what, key)
  for (const part of key.split('/')) checkLength(what, part)
  return join(folder, ...key.split('/'))
}

/** @throws TRACKING_NAME_INVALID */
export const checkModelName = (name: string): void => {
  checkNameOfModel('Model', name)
  checkLength('Model', name)
}

const checkLength = (what: string, part: string): void => {
  const bytes = Buffer.byteLength(part)
  if (bytes <= LONGEST_NAME) return
  throw new VigiaError('TRACKING_NAME_INVALID', {
    what,
    got: part,
    allowed: `at most ${LONGEST_NAME} bytes between slashes, because it is the name of a file; this one has ${bytes}`,
  })
}
