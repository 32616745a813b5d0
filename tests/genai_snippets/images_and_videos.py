"""Images and videos."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import Run, group, to_json


@group("Generate images", only_here="it requires Vertex AI for it")
def images(run: Run) -> Any:
    config = run.types.GenerateImagesConfig(
        number_of_images=1, include_rai_reason=True, output_mime_type="image/jpeg"
    )
    response = run.client.models.generate_images(
        model="imagen-3.0-generate-002", prompt="A lighthouse in the rain", config=config
    )
    image = response.generated_images[0].image
    image.save(str(run.folder / "lighthouse.jpg"))
    assert image.mime_type == "image/jpeg"
    assert (run.folder / "lighthouse.jpg").read_bytes().startswith(b"\xff\xd8\xff")


@group("Generate a video and poll its operation", only_here="it requires Vertex AI for it")
def videos(run: Run) -> Any:
    config = run.types.GenerateVideosConfig(number_of_videos=1, duration_seconds=5)
    operation = run.client.models.generate_videos(
        model="veo-2.0-generate-001", prompt="Waves at a lighthouse", config=config
    )
    while not operation.done:
        run.sleep(10)
        operation = run.client.operations.get(operation)
    video = operation.result.generated_videos[0].video
    assert to_json(video)["mime_type"]
    assert video.video_bytes
