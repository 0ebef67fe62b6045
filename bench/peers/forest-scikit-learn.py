"""Random forest with scikit-learn on every core."""

from cost import measure
from sklearn.ensemble import RandomForestClassifier
from training_data import timed_fit


def work(request):
    def fit(table, labels):
        model = RandomForestClassifier(n_estimators=request["trees"], n_jobs=request["cores"], random_state=1)
        return model.fit(table, labels)

    return timed_fit(request, fit, lambda model, judged: model.predict_proba(judged)[:, 1])


measure(work)
