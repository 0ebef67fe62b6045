/** A JSON pointer, as Ajv writes the place of a value: `/split/train_share`; the empty text is the root. */
export type Pointer = string

/** The pointer of a path; `~` and `/` in a key are escaped. */
export const pointerOf = (path: readonly string[]): Pointer =>
  path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The path of a pointer: the inverse of `pointerOf`. */
export const pathOf = (pointer: Pointer): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))

/** `pointer` and each place around it, from the inside out, the root last. */
export const selfAndAncestors = (pointer: Pointer): readonly Pointer[] => {
  const path = pathOf(pointer)
  return Array.from({ length: path.length + 1 }, (_, up) => pointerOf(path.slice(0, path.length - up)))
}
