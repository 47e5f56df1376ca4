"""What a pipeline's specification can say and kfp's language cannot: parameters' descriptions, a step's own condition.

Both are fields of Kubeflow's published format (`ComponentInputsSpec.ParameterSpec.description` and
`PipelineTaskSpec.TriggerPolicy.condition` in pipeline_spec.proto). Without these edits a pipeline would do the same,
with parameters that nothing explains and a step that does nothing for half a minute.
"""

from __future__ import annotations

from docstring_parser import parse
from kfp.dsl.graph_component import GraphComponent
from kfp.pipeline_spec import pipeline_spec_pb2


def describe_parameters(pipeline: GraphComponent, like: GraphComponent | None = None) -> None:
    """Give every parameter of a pipeline the description that the docstring of its function has.

    Args:
        pipeline: Changed.
        like: A pipeline that describes those parameters that the docstring leaves out; it is described already.

    Raises:
        ValueError: Neither describes a parameter, or the docstring describes one that the pipeline does not have.
    """
    parameters = pipeline.pipeline_spec.root.input_definitions.parameters
    shared = {} if like is None else like.pipeline_spec.root.input_definitions.parameters
    described = {name: shared[name].description for name in parameters if name in shared}
    described |= {
        entry.arg_name: " ".join((entry.description or "").split())
        for entry in parse(pipeline.pipeline_func.__doc__).params
    }
    if set(described) != set(parameters):
        odd = sorted(set(described) ^ set(parameters))
        raise ValueError(
            f"{pipeline.name}: its docstring and its parameters differ in {', '.join(odd)}; fix the docstring"
        )
    for name, text in described.items():
        parameters[name].description = text


def skip_unless(pipeline: GraphComponent, step: str, producer: str, output: str) -> None:
    """Skip a step where an earlier step says no.

    kfp has conditions for groups of steps alone: the step and its report would lie a level deeper in the run's graph.

    Args:
        pipeline: Changed.
        step: Task name of the step that is skipped.
        producer: Task name of the step that says so.
        output: Its output, a boolean.
    """
    spec = pipeline.pipeline_spec
    task = spec.root.dag.tasks[step]
    channel = f"pipelinechannel--{producer}--{output}"  # kfp's local runner looks for named outputs so
    source = task.inputs.parameters[channel].task_output_parameter
    source.producer_task, source.output_parameter_key = producer, output
    definition = spec.components[task.component_ref.name].input_definitions.parameters[channel]
    definition.parameter_type = pipeline_spec_pb2.ParameterType.BOOLEAN
    task.trigger_policy.condition = f"inputs.parameter_values['{channel}'] == true"
    if producer not in task.dependent_tasks:
        task.dependent_tasks.append(producer)


def skip_where_not_given(pipeline: GraphComponent, step: str, document: str) -> None:
    """Skip a step where a document that a pipeline may be given is empty.

    Args:
        pipeline: Changed.
        step: Task name of the step that is skipped.
        document: Parameter of the pipeline, an object.
    """
    spec = pipeline.pipeline_spec
    task = spec.root.dag.tasks[step]
    channel = f"pipelinechannel--{document}"  # what kfp calls it in conditions, and its local runner knows
    task.inputs.parameters[channel].component_input_parameter = document
    definition = spec.components[task.component_ref.name].input_definitions.parameters[channel]
    definition.parameter_type = pipeline_spec_pb2.ParameterType.STRUCT
    task.trigger_policy.condition = f"inputs.parameter_values['{channel}'] != {{}}"
