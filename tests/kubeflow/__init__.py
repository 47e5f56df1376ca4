"""Whether an installation of Kubeflow runs these pipelines: `make test-kubeflow`, ten minutes, clear words."""
