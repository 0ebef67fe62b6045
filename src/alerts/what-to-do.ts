const ADVICE: Readonly<Record<string, string>> = {
  drift:
    'Look at the drift report (vigia monitor): what has changed, since when, and in which transactions. Ask whoever delivers those fields before the model is trained again.',
  score_drift:
    'Scores are not where they were: look at the drift report (vigia monitor) for the features that move them, and whether there are as many alerts as people can look at.',
  data_quality:
    'The data are broken: have whoever delivers them mend them. Do not train on them; drift of this model is held back meanwhile.',
  concept_drift:
    'Frauds are no longer what the model has learnt. Train on labels that have become known since, and compare before it decides.',
  performance:
    'The model decides worse than it did. Look at which segment and at which labels; move the threshold to the budget of alerts while a better model is trained.',
  retraining:
    'A retraining waits for somebody, or was not taken: vigia retrain --status says where it stands and why. Held: have the data mended. Refused or taken back: the champion stays; look at why the challenger was no better.',
  monitoring:
    'Nobody looks at the model, so nothing else would be noticed. Start what monitors again; where the model is retired, forget its look.',
  delivery:
    'A channel takes no alerts. Try it with vigia alerts test, and mend its address, its secret or its receiver.',
}

/** What to do about an alert of this kind, in a sentence or two; empty for kinds of one's own. */
export const adviceFor = (kind: string): string => ADVICE[kind] ?? ''
