"""Answer requests over HTTP with one or many models, compatible with SageMaker containers."""
