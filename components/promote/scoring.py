"""The model in use on the held-out images: inferred, split and counted just as the new model was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core import storage
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.evaluate.evaluate import evaluate
from components.infer_windows.infer_windows import infer_windows
from components.promote.scores import ModelScores, read_scores
from components.split_masks.split_masks import split_masks


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How models are tested.

    Attributes:
        project: Directory of the project with the held-out images and their truth.
        data_root: Folder or URI prefix for inference's rasters.
        inference_config: JSON text or file; empty for the tutorial's.
        split_masks_query: JSON text or file; empty for the tutorial's.
        image_tags: Images with one of these tags are held out; none for all images.
        seed: Random seed of the query.
        max_bad: How many images may be skipped because they are broken.
        workers: Worker processes for splitting and evaluating (0 = one per core).
        gpus: How many GPUs the step was placed on; it uses the first. 0 to go by the config's `gpu_devices`.
    """

    project: Path | str
    data_root: str
    inference_config: str = ""
    split_masks_query: str = ""
    image_tags: Sequence[str] = ("test",)
    seed: int = 0
    max_bad: int = 0
    workers: int = 0
    gpus: int = 0

    def scores_of(self, model: Path, like: ModelScores) -> ModelScores:
        """Test a model.

        Args:
            model: Its folder.
            like: Scores of another one, with whose rules and towns they are counted.

        Raises:
            FootprintsError: As `infer_windows`, `split_masks` and `evaluate`.
        """
        rules = like.rules
        with storage.scratch_folder("champion") as scratch:
            predictions, split, evaluation = (scratch / name for name in ("predictions", "split", "evaluation"))
            infer_windows(
                self.project,
                model,
                predictions,
                data_root=self.data_root,
                config=self.inference_config or INFERENCE_CONFIG,
                image_tags=self.image_tags,
                max_bad=self.max_bad,
                gpus=self.gpus,
            )
            split_masks(
                predictions,
                split,
                query=self.split_masks_query,
                seed=self.seed,
                workers=self.workers,
                max_bad=self.max_bad,
            )
            evaluate(
                split,
                self.project,
                evaluation,
                truth_class=rules.truth_class,
                predicted_class=rules.predicted_class,
                image_tags=self.image_tags,
                group_tags=like.towns,
                iou_threshold=rules.iou_threshold,
                boundary_px=rules.boundary_px,
                boundary_m=rules.boundary_m,
                label_suggestions=0,
                max_bad=self.max_bad,
                workers=self.workers,
            )
            return read_scores(evaluation)
