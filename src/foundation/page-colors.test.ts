import { expect, test } from 'vitest'
import { PAGE_COLORS } from './page-colors.ts'

const [light = '', dark = ''] = PAGE_COLORS.split('@media')

test.each([
  ['light', light],
  ['dark', dark],
])('text is told from what is behind it by 4.5 to 1, as WCAG 2.2 AA asks: %s', (_, block) => {
  const colorOf = (name: string): string => new RegExp(`--${name}: #([0-9a-f]{6})`).exec(block)![1]!
  const pairs = [
    ...['page', 'card'].flatMap((back) => ['text', 'quiet', 'accent', 'alert'].map((text) => [text, back])),
    ['text', 'line'],
    ['quiet', 'line'],
    ['alert', 'alert-back'],
    ['warn', 'warn-back'],
    ['good', 'good-back'],
  ] as const
  const weak = pairs.filter(([text, back]) => contrast(colorOf(text!), colorOf(back!)) < 4.5)
  expect(weak).toEqual([])
})

test('the ratio of black and white is 21', () => {
  expect(contrast('000000', 'ffffff')).toBeCloseTo(21, 9)
})

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
const contrast = (a: string, b: string): number => {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter! + 0.05) / (darker! + 0.05)
}

const luminance = (hex: string): number => {
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
