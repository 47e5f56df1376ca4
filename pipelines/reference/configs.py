"""The keys of the training and the inference config, with the values of the tutorial's and the laptop's documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import getdoc
from typing import Any

from components.core.documents.imagery import DetectionImages, TrainingImages
from components.core.documents.inference import InferenceConfig
from components.core.documents.inference_modes import MODES
from components.core.documents.labels import LabelsConfig
from components.core.documents.named import TRAINING_CONFIGS
from components.core.documents.promotion import PromotionConfig
from components.core.documents.training import TrainConfig
from components.core.network.architectures import ARCHITECTURES
from components.core.network.encoders import ENCODERS
from pipelines.documents import laptop_documents, tutorial_documents
from pipelines.reference import markdown
from pipelines.reference.models import Setting, settings_of

_MODE = "mode."
"""What the keys of a mode stand below."""


def training_config() -> str:
    """The keys of the training config."""
    documents = {
        "tutorial": tutorial_documents().training,
        "robust": TRAINING_CONFIGS["robust"].content(),
        "laptop": laptop_documents().training,
    }
    return _table(settings_of(TrainConfig), documents)


def promotion_config() -> str:
    """The keys of the promotion config."""
    return _table(settings_of(PromotionConfig), {})


def detection_images() -> str:
    """The options of a detection's imagery."""
    return _table(settings_of(DetectionImages), {})


def training_images() -> str:
    """The options of a training's imagery."""
    return _table(settings_of(TrainingImages), {})


def labels_config() -> str:
    """The keys of the labels config."""
    return _table(settings_of(LabelsConfig), {})


def named_configs() -> str:
    """The training configs that a name stands for."""
    rows = ((markdown.code(name), markdown.text(config.about)) for name, config in TRAINING_CONFIGS.items())
    return markdown.table(("name", "what it is"), rows)


def inference_config() -> str:
    """The keys of the inference config: those of every mode, and for each mode its own."""
    documents = {"tutorial": tutorial_documents().inference, "laptop": laptop_documents().inference}
    shared = (setting for setting in settings_of(InferenceConfig) if not setting.key.startswith(_MODE))
    parts = [_table(shared, documents)]
    for source, kind in MODES.items():
        own = documents if documents["tutorial"]["mode"]["source"] == source else {}
        about = markdown.text(getdoc(kind) or "")
        parts += [f"### `{source}`", about, _table(settings_of(kind, _MODE), own)]
    return markdown.sections(parts)


def architectures() -> str:
    """The network architectures that a training config may name."""
    rows = ((markdown.code(name), markdown.text(spec.about)) for name, spec in ARCHITECTURES.items())
    return markdown.table(("architecture", "what it is"), rows)


def encoders() -> str:
    """The encoders that a training config may name."""
    rows = (
        (markdown.code(name), markdown.text(spec.about), "yes" if spec.torchvision else "no")
        for name, spec in ENCODERS.items()
    )
    return markdown.table(("encoder", "what it is", "has ImageNet weights"), rows)


def _table(settings: Iterable[Setting], documents: Mapping[str, dict[str, Any]]) -> str:
    """A table of a config's keys, with the values that each document gives them."""
    header = ("key", "type", "default", *documents, "what it does")
    return markdown.table(header, (_row(setting, documents.values()) for setting in settings))


def _row(setting: Setting, documents: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """A value stands where a document gives one, and again where a later document gives another."""
    values, before = [], None
    for document in documents:
        value = setting.in_document(document)
        values.append("" if value is None or value == before else markdown.value(value))
        before = value
    return (
        markdown.code(setting.key),
        setting.kind,
        default_in_words(setting),
        *values,
        markdown.text(setting.about),
    )


def default_in_words(setting: Setting) -> str:
    """The default of a key."""
    return "must be given" if setting.is_required else markdown.value(setting.default)
