import { createHash } from 'node:crypto'

/** SHA-256 of bytes, or of text as UTF-8: 64 lower-case hexadecimal digits. Empty input has a hash too. */
export const sha256 = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex')

/**
 * SHA-256 of a stream, without holding more than one chunk: how the stream is cut into chunks does not
 * matter.
 *
 * @throws what the stream throws
 */
export const sha256OfStream = async (chunks: AsyncIterable<Uint8Array | string>): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
