"""The stages, in the order of the pipelines: training first, then what only detection has."""

STAGES = (
    "sample_scenes",
    "check_inputs",
    "import_images",
    "split_tagging",
    "crop_augment",
    "train_unet",
    "plan_shards",
    "infer_windows",
    "collect_predictions",
    "split_masks",
    "evaluate",
    "publish_footprints",
    "promote",
    "plan_imagery",
    "detect_scenes",
    "publish_collection",
)
"""Each is a folder beside this file, with the KFP component in `component.py` and what it runs in `step.py`."""
