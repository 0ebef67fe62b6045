/**
 * HTML that may be put into a page as it stands. Made only by `html` and `trusted`, so that other text is
 * escaped.
 */
export interface Html {
  readonly markup: string
}

/** What a template takes. */
type HtmlPart = Html | string | number | null | readonly Html[]

/**
 * HTML from a template: every inserted text is escaped; inserted HTML, and lists of it, stay what they are.
 */
export const html = (template: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html => ({
  markup: template.reduce((text, piece, index) => text + markupOf(parts[index - 1] ?? null) + piece),
})

/** Text that is already HTML: charts of our own and nothing that came from outside. */
export const trusted = (markup: string): Html => ({ markup })

/** `text` with the five characters that mean something in HTML written as entities. */
export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

/** As it stands in a page: text is escaped. */
export const markupOf = (part: HtmlPart): string => {
  if (part === null) return ''
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part))
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('')
}
