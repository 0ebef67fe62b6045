import type { DataFault } from '../quality/data-fault.ts'

/** What is broken, in a sentence with its size. */
export const faultInWords = ({ kind, field, effect, evidence }: DataFault): string => {
  const of = field ?? 'the feed'
  switch (kind) {
    case 'swapped_columns':
      return `${of} and ${evidence['with']} stand in each other’s place`
    case 'unit':
      return `${of} is in another unit: ${figure(effect)} times what it was, near ${factorOf(evidence['factor'])}${evidence['groups'] === 'all' ? '' : ` (${evidence['groups']})`}`
    case 'constant':
      return `${of} has one value in nearly all rows`
    case 'truncated_decimals':
      return `${of} has lost its decimals`
    case 'missing':
      return `${of} is missing in ${points(effect)} of the rows more than usual`
    case 'unknown_categories':
      return `${of} has unknown values in ${points(effect)} of the rows more than usual`
    case 'out_of_range':
      return `${of} is outside what training saw in ${points(effect)} of the rows more than usual`
    case 'duplicates':
      return `${points(effect)} more of the rows than usual repeat another one under a new id`
    case 'late':
      return `${points(effect)} more of the rows than usual came late`
    case 'shifted_clock':
      return `events are ${Math.abs(effect)} hours ${effect > 0 ? 'ahead of' : 'behind'} their usual times`
    case 'silent_hours':
      return `hardly any rows came in ${effect} hours (UTC: ${evidence['hours']})`
    case 'volume_drop':
    case 'volume_surge':
      return `${figure(effect)} times as many rows as expected (${Number(evidence['rows'])} for ${Math.round(Number(evidence['expected']))})`
  }
}

const factorOf = (factor: number | string | undefined): string => {
  const times = Number(factor)
  return times < 1 ? `1/${Math.round(1 / times)}` : String(times)
}

const figure = (value: number): string => Number(value.toPrecision(3)).toString()

/** Of shares: hundredths more. */
const points = (share: number): string => `${figure(100 * share)} %`
