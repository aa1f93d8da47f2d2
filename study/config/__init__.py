"""The configuration: from a YAML file to a checked study, planned once.

Knows the tables of `trainables` and the columns of `analysis.record`, and no other package of `study`; it alone imports
pydantic. Start reading at `loading.load`, then `schema.StudyConfig` and `plan.StudyPlan`.
"""
