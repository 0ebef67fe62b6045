import type { ServedModel } from '../../decisions/inference-pipeline.ts'

/** Changes which models are in service, without dropping a request. One change at a time. */
export interface ModelControl {
  /** The champion, and canary and shadow where there are. */
  list(): readonly ServedModel[]
  /** Loads what the champion's source stands for by now; the same model stays as it is. */
  reload(): Promise<readonly ServedModel[]>
  /**
   * Loads, verifies and warms the model of `source` (a folder, or `models:/name@alias` or `models:/name/3`)
   * and lets it decide.
   *
   * @throws MODEL_ARTIFACT_REFUSED, REGISTRY_VERSION_UNKNOWN, SERVING_STATES_FOREIGN: the models in service
   * stay as they are
   */
  switchTo(source: string): Promise<readonly ServedModel[]>
  /** Lets the champion before this one decide again. @throws SERVING_NO_EARLIER_MODEL */
  rollBack(): Promise<readonly ServedModel[]>
  /** Scores every transaction with the model of `source` too; null ends it. */
  setShadow(source: string | null): Promise<readonly ServedModel[]>
  /** Lets the model of `source` decide for `share` (0 to 1) of the users; null ends it. */
  setCanary(source: string | null, share: number): Promise<readonly ServedModel[]>
}
