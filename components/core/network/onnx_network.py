"""A network in an ONNX file, as onnxruntime computes it: checked before it is used, and no code of it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from components.core.errors import DataError
from components.core.models import ONNX_FILE
from components.core.network.description import ModelConfig, read_config

CPU_PROVIDER = "CPUExecutionProvider"

OWN_OPERATORS = ("", "ai.onnx")
"""Names of ONNX's own set of operators; others would need libraries beside the file."""

CLASS_NAMES = "class_names"
MEAN, STD = "standardization_mean", "standardization_std"
"""Keys of the file's metadata that say what its numbers mean."""


class OnnxNetwork(nn.Module):
    """Computes on the CPU, in float32; takes the place of a network of PyTorch at inference."""

    def __init__(self, content: bytes, config: ModelConfig, name: str) -> None:
        """Check a file's content and get it ready.

        Args:
            content: Of the ONNX file. Its input is (N, bands, H, W) float32, value / 255 minus the config's mean, over
                its standard deviation; its output (N, classes, H, W) float32 probabilities. H and W are the config's
                input size, or of any length.
            config: What the model's folder says of it.
            name: Of the file, for messages.

        Raises:
            DataError: If the content is no such network, refers to other files, or is of other classes.
        """
        super().__init__()
        self._name = name
        _check_content(content, config, name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=[CPU_PROVIDER])
        except Exception as error:  # its errors have no class in common
            raise DataError(f"model: {name}: onnxruntime cannot read it ({_line(error)}); fetch it again") from error
        self._input = self._session.get_inputs()[0].name
        self._temperature = config.temperature
        self._mean = torch.tensor(config.normalisation.mean).view(1, -1, 1, 1)
        self._std = torch.tensor(config.normalisation.std).view(1, -1, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Segment a batch.

        Args:
            image: (N, bands, H, W), values 0..255, on the CPU.

        Returns:
            (N, classes, H, W) float32 logits, whose softmax, once they are divided by the model's temperature, is the
            file's probabilities.
        """
        standardised = ((image.float() / 255 - self._mean) / self._std).contiguous()
        (probabilities,) = self._session.run(None, {self._input: standardised.numpy()})
        return torch.from_numpy(probabilities).log_().mul_(self._temperature)


def load_onnx_network(folder: Path) -> tuple[OnnxNetwork, ModelConfig]:
    """Read the network of a model folder from its `model.onnx`; the folder needs no other weights.

    Returns:
        The network, ready for inference, and its description.

    Raises:
        DataError: If a file is missing or broken, or is not of what the folder's config says.
    """
    config, path = read_config(folder), folder / ONNX_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"model: {path} cannot be read ({error.strerror}); give a folder that train_unet wrote"
        ) from error
    return OnnxNetwork(content, config, str(path)), config


def _check_content(content: bytes, config: ModelConfig, name: str) -> None:
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # of protobuf, which has classes for them in several places
        raise DataError(f"model: {name}: is no whole ONNX file ({_line(error)}); fetch it again") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise DataError(f"model: {name}: keeps its weights in other files; save it with all of them inside")
    foreign = sorted({entry.domain for entry in model.opset_import} - set(OWN_OPERATORS))
    if foreign or model.functions:
        raise DataError(f"model: {name}: needs operators of {foreign or 'its own'}; export it with those of ONNX alone")
    size, bands, classes = config.size, len(config.normalisation.mean), len(config.classes)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    _check_shape(inputs, (None, bands, size.height, size.width), f"{name}: its input")
    _check_shape(model.graph.output, (None, classes, size.height, size.width), f"{name}: its output")
    _check_metadata({entry.key: entry.value for entry in model.metadata_props}, config, name)


def _check_shape(values: Sequence[onnx.ValueInfoProto], wanted: tuple[int | None, ...], what: str) -> None:
    """See that there is one value, float32 and of the wanted shape; sides without a length may have any."""
    if len(values) != 1:
        raise DataError(f"model: {what}s are {len(values)}, and one is wanted; fetch the model again")
    tensor = values[0].type.tensor_type
    shape = [side.dim_value if side.HasField("dim_value") else None for side in tensor.shape.dim]
    fits = len(shape) == len(wanted) and all(
        one is None or other is None or one == other for one, other in zip(shape, wanted, strict=True)
    )
    if not fits or tensor.elem_type != onnx.TensorProto.FLOAT:
        raise DataError(
            f"model: {what} has the shape {shape}, and the config is of {list(wanted)} float32; the two files are of "
            "different models: fetch the model again"
        )


def _check_metadata(said: dict[str, str], config: ModelConfig, name: str) -> None:
    """Refuse a file that says of itself that it is of other classes, or of another standardisation."""
    wanted = {
        CLASS_NAMES: {str(index): entry.title for index, entry in enumerate(config.classes)},
        MEAN: list(config.normalisation.mean),
        STD: list(config.normalisation.std),
    }
    for key, value in wanted.items():
        try:
            found = json.loads(said[key]) if key in said else value
        except ValueError:
            found = said[key]
        if found != value:
            raise DataError(
                f"model: {name}: its {key} is {found}, and the config's is {value}; the two files are of different "
                "models: fetch the model again"
            )


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All tensors of a model, those inside of branches and loops included."""
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
                graphs += [found for found in (attribute.g, *attribute.graphs) if found.node]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
