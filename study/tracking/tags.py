"""Tags of the study's runs in MLflow: whose they are and what they are of, and those of MLflow's own that are set."""

STUDY, IDENTITY = "ganstudy.study", "ganstudy.run"  # whose a run is
LEVEL = "level"  # study, arm or trial
LEVEL_OF_ARMS = "arm"
PARENT, NOTE, COLOUR = "mlflow.parentRunId", "mlflow.note.content", "mlflow.runColor"
