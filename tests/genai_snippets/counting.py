"""Streams, asyncio, tokens and vectors."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group, plain

ASKED = "Tell a short tale of a lighthouse."
EMBEDDER = "text-embedding-004"


@group("Streamed text")
def stream(run: Run) -> Any:
    chunks = list(run.client.models.generate_content_stream(model=MODEL, contents=ASKED))
    return [chunk.text for chunk in chunks], chunks[-1].candidates[0].finish_reason


@group("Streamed answer about a file by its address")
def stream_of_address(run: Run) -> Any:
    part = run.types.Part.from_uri(file_uri="gs://a-bucket/lighthouse.jpg", mime_type="image/jpeg")
    chunks = run.client.models.generate_content_stream(model=MODEL, contents=["What is shown?", part])
    return [chunk.text for chunk in chunks]


@group("Streamed answer about bytes")
def stream_of_bytes(run: Run) -> Any:
    path = run.folder / "lighthouse.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    part = run.types.Part.from_bytes(data=path.read_bytes(), mime_type="image/png")
    chunks = run.client.models.generate_content_stream(model=MODEL, contents=["What is shown?", part])
    return [chunk.text for chunk in chunks]


@group("Text, async")
async def text_async(run: Run) -> Any:
    response = await run.client.aio.models.generate_content(model=MODEL, contents=ASKED)
    return response.text


@group("Streamed text, async")
async def stream_async(run: Run) -> Any:
    stream = await run.client.aio.models.generate_content_stream(model=MODEL, contents=ASKED)
    return [chunk.text async for chunk in stream]


@group("Tokens counted")
def count(run: Run) -> Any:
    return run.client.models.count_tokens(model=MODEL, contents=ASKED).total_tokens


@group("Tokens counted, async")
async def count_async(run: Run) -> Any:
    return (await run.client.aio.models.count_tokens(model=MODEL, contents=ASKED)).total_tokens


@group("Tokens computed", refused="Vertex AI only; count_tokens counts")
def compute(run: Run) -> Any:
    run.client.models.compute_tokens(model=MODEL, contents=ASKED)


@group("Vector of a text", differs="numbers are those of 32 bits, exactly; JSON has fewer digits")
def vector(run: Run) -> Any:
    response = run.client.models.embed_content(model=EMBEDDER, contents="A lighthouse.")
    [embedding] = response.embeddings
    return [round(value, 6) for value in embedding.values]


@group("Vectors of several texts, of a size")
def vectors(run: Run) -> Any:
    config = run.types.EmbedContentConfig(output_dimensionality=12)
    response = run.client.models.embed_content(
        model=EMBEDDER, contents=["A lighthouse.", "A harbour."], config=config
    )
    return [[round(value, 6) for value in embedding.values] for embedding in response.embeddings]


@group("Pictures made", only_here="it asks for Vertex AI since")
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


@group("Pictures scaled up", refused="Vertex AI only")
def upscale(run: Run) -> Any:
    run.client.models.upscale_image(model="imagen-3.0-generate-002", image={}, upscale_factor="x2")


@group("Pictures edited", refused="Vertex AI only")
def edit(run: Run) -> Any:
    run.client.models.edit_image(model="imagen-3.0-capability-001", prompt="By day", reference_images=[])


@group("Videos made, and waited for", only_here="it asks for Vertex AI since")
def videos(run: Run) -> Any:
    config = run.types.GenerateVideosConfig(number_of_videos=1, duration_seconds=5)
    operation = run.client.models.generate_videos(
        model="veo-2.0-generate-001", prompt="Waves at a lighthouse", config=config
    )
    while not operation.done:
        run.sleep(10)
        operation = run.client.operations.get(operation)
    video = operation.result.generated_videos[0].video
    assert plain(video)["mime_type"]
    assert video.video_bytes
