"""Adapters that run prodcat on AWS Batch, SageMaker and Ray Serve."""
