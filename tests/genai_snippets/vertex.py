"""Vertex AI: what it has beside the Gemini API, or in another form."""

from __future__ import annotations

import json
from typing import Any

from genai_snippets.group import MODEL, Run, group

RUNNING = {"JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING"}
BASE = "gemini-2.0-flash-001"


def store(run: Run, name: str, *lines: object) -> str:
    """Write a file of JSON Lines, or of one text, into Cloud Storage, and return its address."""
    path = run.storage / "a-bucket" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return f"gs://a-bucket/{name}"


@group("Vertex AI: client configured by environment variables")
def by_environment(run: Run) -> Any:
    place = {"GOOGLE_CLOUD_PROJECT": "a-project", "GOOGLE_CLOUD_LOCATION": "us-central1"}
    with run.environment(GOOGLE_GENAI_USE_VERTEXAI="true", **place):
        client = run.create_client(credentials=run.credentials)
    return client.vertexai


@group("Vertex AI: generate and stream text about a picture in Cloud Storage")
def picture(run: Run) -> Any:
    address = store(run, "lighthouse.jpg", "a picture")
    contents = ["What is this?", run.types.Part.from_uri(file_uri=address, mime_type="image/jpeg")]
    config = {"labels": {"team": "harbour"}}
    whole = run.vertex.models.generate_content(model=MODEL, contents=contents, config=config)
    chunks = list(run.vertex.models.generate_content_stream(model=MODEL, contents=contents, config=config))
    sent = run.sent("StreamGenerateContent")
    text = "".join(chunk.text for chunk in chunks)
    return whole.text, text, dict(sent.labels), [part.file_data.file_uri for part in sent.contents[0].parts]


@group("Vertex AI: compute tokens")
def compute(run: Run) -> Any:
    found = run.vertex.models.compute_tokens(model=MODEL, contents="Tell a short tale.")
    return [
        (info.role, list(info.tokens), [int(one) for one in info.token_ids]) for info in found.tokens_info
    ]


@group("Vertex AI: compute tokens (async)")
async def compute_async(run: Run) -> Any:
    found = await run.vertex.aio.models.compute_tokens(model=MODEL, contents="Tell a short tale.")
    return [list(info.tokens) for info in found.tokens_info]


@group("Vertex AI: embed strings")
def vectors(run: Run) -> Any:
    config = run.types.EmbedContentConfig(output_dimensionality=12, task_type="RETRIEVAL_QUERY")
    response = run.vertex.models.embed_content(
        model="text-embedding-004", contents=["A lighthouse.", "A harbour."], config=config
    )
    counts = [int(embedding.statistics.token_count) for embedding in response.embeddings]
    return [[round(value, 6) for value in embedding.values] for embedding in response.embeddings], counts


@group("Vertex AI: generate images")
def images(run: Run) -> Any:
    config = run.types.GenerateImagesConfig(
        number_of_images=1, include_rai_reason=True, output_mime_type="image/jpeg"
    )
    response = run.vertex.models.generate_images(
        model="imagen-3.0-generate-002", prompt="A lighthouse in the rain", config=config
    )
    run.kept["image"] = image = response.generated_images[0].image
    return image.mime_type, image.image_bytes


@group("Vertex AI: upscale an image")
def upscale(run: Run) -> Any:
    response = run.vertex.models.upscale_image(
        model="imagen-3.0-generate-002",
        image=run.kept["image"],
        upscale_factor="x2",
        config=run.types.UpscaleImageConfig(include_rai_reason=True, output_mime_type="image/jpeg"),
    )
    image = response.generated_images[0].image
    return image.mime_type, image.image_bytes


@group("Vertex AI: edit an image")
def edit(run: Run) -> Any:
    types = run.types
    raw = types.RawReferenceImage(reference_id=1, reference_image=run.kept["image"])
    mask = types.MaskReferenceImage(
        reference_id=2,
        config=types.MaskReferenceConfig(mask_mode="MASK_MODE_BACKGROUND", mask_dilation=0),
    )
    response = run.vertex.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="Sunlight and clear sky",
        reference_images=[raw, mask],
        config=types.EditImageConfig(edit_mode="EDIT_MODE_INPAINT_INSERTION", number_of_images=1),
    )
    image = response.generated_images[0].image
    return image.mime_type, image.image_bytes


@group("Vertex AI: generate a video and poll its operation")
def video(run: Run) -> Any:
    operation = run.vertex.models.generate_videos(
        model="veo-2.0-generate-001",
        prompt="Waves at a lighthouse",
        config=run.types.GenerateVideosConfig(number_of_videos=1, duration_seconds=5),
    )
    for _ in range(20):
        if operation.done:
            break
        run.sleep(10)
        operation = run.vertex.operations.get(operation)
    found = operation.response.generated_videos[0].video
    return found.mime_type, found.video_bytes


@group("Vertex AI: cache files in Cloud Storage, and use the cache")
def cache(run: Run) -> Any:
    types = run.types
    parts = [
        types.Part.from_uri(file_uri=store(run, name, "A long tale. " * 20), mime_type="text/plain")
        for name in ("one.txt", "two.txt")
    ]
    cached = run.vertex.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(
            contents=[types.Content(role="user", parts=parts)],
            system_instruction="Answer from the tales.",
            display_name="tales",
            ttl="3600s",
        ),
    )
    response = run.vertex.models.generate_content(
        model=MODEL,
        contents="Who lives there?",
        config=types.GenerateContentConfig(cached_content=cached.name),
    )
    found = run.vertex.caches.get(name=cached.name)
    run.vertex.caches.delete(name=cached.name)
    return found.display_name, response.text, response.usage_metadata.cached_content_token_count


@group("Vertex AI: tune a model with data in Cloud Storage")
def tune(run: Run) -> Any:
    turns = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Ho"}]}]
    job = run.vertex.tunings.tune(
        base_model=BASE,
        training_dataset=run.types.TuningDataset(gcs_uri=store(run, "train.jsonl", {"contents": turns})),
        config=run.types.CreateTuningJobConfig(epoch_count=1, tuned_model_display_name="berths"),
    )
    run.kept["vertex job"] = job.name
    return job.state in RUNNING, job.tuned_model_display_name, job.base_model


@group("Vertex AI: poll a tuning job and use its endpoint")
def wait(run: Run) -> Any:
    job = run.vertex.tunings.get(name=run.kept["vertex job"])
    for _ in range(20):
        if job.state not in RUNNING:
            break
        run.sleep(10)
        job = run.vertex.tunings.get(name=job.name)
    run.kept["vertex tuned"] = job.tuned_model
    response = run.vertex.models.generate_content(model=job.tuned_model.endpoint, contents="Hi")
    return job.state, response.text, len(job.tuned_model.checkpoints or ())


@group("Vertex AI: get, list and update tuned models")
def tuned_models(run: Run) -> Any:
    models = run.vertex.models
    model = models.get(model=run.kept["vertex tuned"].model)
    listed = [one.display_name for one in models.list(config={"page_size": 10, "query_base": False})]
    changed = models.update(
        model=model.name,
        config=run.types.UpdateModelConfig(display_name="moorings", description="Where boats lie"),
    )
    return model.display_name, listed, changed.display_name, changed.description


@group("Vertex AI: list tuned models (async)")
async def tuned_models_async(run: Run) -> Any:
    config = {"page_size": 10, "query_base": False}
    return [model.display_name async for model in await run.vertex.aio.models.list(config=config)]


@group("Vertex AI: list tuning jobs, with pages")
def jobs(run: Run) -> Any:
    data = {"gcs_uri": "gs://a-bucket/train.jsonl"}
    run.vertex.tunings.tune(base_model=BASE, training_dataset=data)
    everything = [job.name for job in run.vertex.tunings.list(config={"page_size": 1})]
    pager = run.vertex.tunings.list(config={"page_size": 1})
    first = pager[0].name
    pager.next_page()
    return len(everything), first != pager[0].name


@group("Vertex AI: list tuning jobs, with pages (async)")
async def jobs_async(run: Run) -> Any:
    pager = await run.vertex.aio.tunings.list(config={"page_size": 1})
    first = pager[0].name
    await pager.next_page()
    return first != pager[0].name


def finish_batch(run: Run, source: str, dest: str) -> Any:
    """Run a batch job to its end."""
    job = run.vertex.batches.create(model=MODEL, src=source, config={"dest": dest})
    for _ in range(20):
        if job.state not in RUNNING:
            break
        run.sleep(10)
        job = run.vertex.batches.get(name=job.name)
    return job


@group("Vertex AI: batch job of a file in Cloud Storage")
def batch(run: Run) -> Any:
    lines = [
        {"request": {"contents": [{"role": "user", "parts": [{"text": text}]}]}} for text in ("One?", "Two?")
    ]
    job = finish_batch(run, store(run, "questions.jsonl", *lines), "gs://a-bucket/answers")
    run.kept["vertex batch"] = job.name
    return job.state, job.dest.gcs_uri, job.src.gcs_uri


@group("Vertex AI: batch job of a BigQuery table")
def batch_of_table(run: Run) -> Any:
    job = finish_batch(run, "bq://a-project.a-dataset.a-table", "bq://a-project.a-dataset.answers")
    return job.state, job.error.message, job.src.bigquery_uri


@group("Vertex AI: list and delete batch jobs")
def batches(run: Run) -> Any:
    found = [job.state for job in run.vertex.batches.list(config={"page_size": 1})]
    run.vertex.batches.delete(name=run.kept["vertex batch"])
    return sorted(found), len(list(run.vertex.batches.list()))


@group("Vertex AI: error of a model that does not exist")
def missing(run: Run) -> Any:
    try:
        run.vertex.models.generate_content(model="no-such-model", contents="Why?")
    except run.errors.APIError as error:
        return error.code, error.status, error.message
    return None
