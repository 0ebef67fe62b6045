import { killsLoseNoAlert } from '../laws/alert-kills.ts'

killsLoseNoAlert(100)
