"""The search: which configurations an arm tries, and which is confirmed.

Each arm has an Optuna study of its own that hears results in a fixed order, whatever the workers' timing. Imports the
ledger's state and the configuration; with `study.run` it alone knows Optuna. Start reading at `arm_search.ArmSearch`,
then `searcher.StudySearcher`, which Tune asks for trials.
"""
