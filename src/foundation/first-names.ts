/** The first names of a list, and how many more there are: `a, b and 3 more`. */
export const firstNames = (names: readonly string[], most: number): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`
