"""Adapters for AWS Batch, SageMaker and Ray Serve, which call the library."""
