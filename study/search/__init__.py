"""The search: which configurations an arm tries, and which is confirmed.

Each search of an arm has an Optuna study of its own that is told results in a fixed order, whatever the workers'
timing. Imports the ledger's state and the configuration; only it and `study.run` import Optuna. Start reading at
`arm_search.ArmSearch`, then `repeat.Repeat`, then `searcher.StudySearcher`, which Tune asks for trials.
"""
