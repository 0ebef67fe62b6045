/* What a built simulator offers. */
export { planOf } from './plan.ts'
export { runPlan } from './run-plan.ts'
