import { prometheusKnows } from '../laws/serving-prometheus.ts'

// Rates and latencies are those of a machine with nothing else to do: test/long.
prometheusKnows()
