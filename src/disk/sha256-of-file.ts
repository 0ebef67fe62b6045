import { createReadStream } from 'node:fs'
import { sha256OfStream } from '../foundation/hash.ts'

/** SHA-256 of a file's bytes, read in pieces. @throws what the file system throws */
export const sha256OfFile = (path: string): Promise<string> => sha256OfStream(createReadStream(path))
