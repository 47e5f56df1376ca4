"""What the stages share; knows nothing of Kubeflow Pipelines."""
