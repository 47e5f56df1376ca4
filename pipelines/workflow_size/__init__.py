"""How large a run of a compiled pipeline becomes in Argo, which keeps all of it in one Kubernetes object.

Kubeflow makes an Argo Workflow of a pipeline. Its spec holds the texts of each component once, source and descriptions
included. Its status holds the nodes of the run: a step has a driver and an executor, each of them nodes of its template
and of the attempt at it, and each node has a copy of the texts that it was given. A byte of a component's source thus
stands eight times in the nodes of every step made of it, and in a loop as often again as it goes round. Argo keeps the
nodes compressed, and a run whose Workflow grows beyond `LIMIT_BYTES` ends in an error.

The nodes are written here as Argo writes them, from the compiled pipeline's own texts, and really compressed; what only
a run knows, such as the numbers that a step notes of an artifact, is of typical length. Of four Workflows measured on
Kubeflow Pipelines 2.17.0 with Argo Workflows 4.0.5 (tests/pipelines/measured) the estimate has the pods and the nodes
(but for two of 784 at 40 shards), the spec within 1 %, the compressed nodes within 5 % and the whole within 3 %.
A run's nodes lie in the order of hashes, which alone moves the compressed size by 2 to 3 % from run to run. An attempt
that fails adds a node or two, which no estimate counts.
"""

from pipelines.workflow_size.size import LIMIT_BYTES, MOST, SHARE, WorkflowSize, most_shards, workflow_size

__all__ = ["LIMIT_BYTES", "MOST", "SHARE", "WorkflowSize", "most_shards", "workflow_size"]
