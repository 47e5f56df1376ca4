"""The flags that stages had before their command lines were made from their signatures; scripts have them."""

from __future__ import annotations

from collections.abc import Mapping

DTL = "--project P --query [] --metrics m.json --report r.html --seed 3 --workers 1 --max-bad 2"

EARLIER: Mapping[str, str] = {
    "sample_scenes": "--data-root d --towns austin --scenes-per-town 1 --size-px 64 --gsd-m 0.5 --seed 3 --tiled "
    "--workers 1",
    "check_inputs": "--images-uri i --masks-uri m --bands 3,2,1 --data-root d --output-uri o --split-tagging-query [] "
    "--train-share 0.5 --crop-augment-query [] --train-config {} --encoder-weights none --initial-model-uri u "
    "--inference-config {} --image-tags test town --max-shards 2 --split-masks-query [] --mask-value 1 "
    "--allow-unpaired --max-bad 2 --makes-scenes",
    "import_images": "--images-uri i --masks-uri m --data-root d --project P --metrics m.json --project-name N "
    "--dataset mine --class-title c --scaling full --mask-value 1 --allow-unpaired --bands 3,2,1 --max-bad 2 "
    "--workers 1",
    "split_tagging": f"{DTL} --tagged O --train-share 0.5 --project-name N",
    "crop_augment": f"{DTL} --crops O",
    "train_unet": "--project P --config {} --model M --metrics m.json --report r.html "
    "--encoder-weights none --initial-model-uri u --work-dir w --max-bad 2 --gpus 1",
    "plan_shards": "--project P --image-tags test town --max-shards 2",
    "infer_windows": "--project P --model M --model-uri u --data-root d --predictions O --metrics m.json --config {} "
    "--image-tags test town --shard 2/5 --project-name N --max-bad 2 --gpus 1",
    "collect_predictions": "--parts a b --project P --predictions O",
    "split_masks": f"{DTL} --split O",
    "evaluate": "--predictions P --truth T --evaluation E --metrics m.json --report r.html --unsplit U "
    "--truth-class a --predicted-class b --image-tags test town --group-tags town --match-by name --iou-threshold 0.4 "
    "--boundary-px 3 --allow-unmatched --max-bad 2 --workers 1",
    "publish_footprints": "--project P --footprints F --metrics m.json --output-uri o --class-title c --tolerance 0 "
    "--tolerance-px 2 --tolerance-m 0.5 --min-area-m2 5 --no-join-tiles --join-tiles --formats gpkg --max-bad 2 "
    "--workers 1",
    "plan_imagery": "--images-uri i --output-uri o --model-uri u --plan p --summary s --report r --metrics m.json "
    "--inference-config {} --split-masks-query [] --class-title c --tolerance 0 --tolerance-px 2 --tolerance-m 0.5 "
    "--min-area-m2 5 --regularise --confidence --redo all --shard-megapixels 5 --max-shards 2 --captured-pattern none "
    "--scaling full --bands 3,2,1 --data-root d --formats gpkg --no-join-tiles --join-tiles --max-bad 2",
    "detect_scenes": "--plan p --shard 2/5 --data-root d --metrics m.json --max-item-pixels 9 --workers 1 --gpus 1",
    "publish_collection": "--plan p --summary s --metrics m.json --report r.html --formats gpkg --no-join-tiles "
    "--join-tiles --max-bad 2 --workers 1",
}
"""All of them, by stage, each with a value that is not its default."""
