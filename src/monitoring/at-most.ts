import { type DriftSeverity, isAtLeast } from '../drift/severity.ts'

/** What a look tells of what it found: no more than the look as a whole, which waits to be sure. */
export const atMost = (found: DriftSeverity, most: DriftSeverity): DriftSeverity =>
  isAtLeast(found, most) ? most : found
