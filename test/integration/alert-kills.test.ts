import { killsLoseNoAlert } from '../laws/alert-kills.ts'

// A hundred of them: test/long.
killsLoseNoAlert(4)
