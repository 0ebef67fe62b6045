import { prometheusKnows } from '../laws/serving-prometheus.ts'

prometheusKnows({ rate: 50 })
