"""Answers over HTTP: one model or many, in the form that SageMaker's containers have."""
