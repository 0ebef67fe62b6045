import { bestModelIsWorth } from '../laws/best-model.ts'

bestModelIsWorth({ weeks: 5 })
