import type { Attribute } from '../transaction/attributes.ts'

/** What the attribute is called in sentences. */
export const attributeWords = ({ name, means }: Attribute): string => means ?? name.replaceAll('_', ' ')
