"""Tuned models and batch jobs."""

from __future__ import annotations

from typing import Any

from gemwire import v1beta
from genai_snippets.group import MODEL, Run, group

BASE = "models/gemini-1.0-pro-001"
RUNNING = {"JOB_STATE_PENDING", "JOB_STATE_RUNNING"}


def start_tuning(name: str) -> str:
    """Start a tuning job without either package, and return the name of the model."""
    examples = [{"text_input": f"harbour {i}", "output": f"berth {i}"} for i in range(5)]
    model = {
        "base_model": BASE,
        "display_name": name,
        "tuning_task": {"training_data": {"examples": {"examples": examples}}},
    }
    with v1beta.ModelServiceClient(client_options={"api_key": "a-key"}) as models:
        metadata: Any = models.create_tuned_model(tuned_model=model).metadata
        return str(metadata.tuned_model)


@group("Tune a model", only_here="it does not send the examples")
def tune(run: Run) -> Any:
    types = run.types
    examples = [types.TuningExample(text_input=f"harbour {i}", output=f"berth {i}") for i in range(5)]
    job = run.client.tunings.tune(
        base_model=BASE,
        training_dataset=types.TuningDataset(examples=examples),
        config=types.CreateTuningJobConfig(epoch_count=1, tuned_model_display_name="berths"),
    )
    assert job.state in RUNNING
    run.kept["job"] = job.name


@group("Poll a tuning job and use its model")
def wait(run: Run) -> Any:
    job = run.client.tunings.get(name=run.kept.get("job") or start_tuning("berths"))
    while job.state in RUNNING:
        run.sleep(10)
        job = run.client.tunings.get(name=job.name)
    run.kept["job"] = job
    response = run.client.models.generate_content(model=job.tuned_model.endpoint, contents="harbour 3")
    return job.state, response.text


@group("Get a tuned model")
def tuned_model(run: Run) -> Any:
    model = run.client.models.get(model=run.kept["job"].tuned_model.model)
    return model.display_name, model.name == run.kept["job"].name


@group("List tuned models, with pages")
def tuned_models(run: Run) -> Any:
    for number in range(2):
        start_tuning(f"another {number}")
    config = {"page_size": 2, "query_base": False}
    everything = [model.display_name for model in run.client.models.list(config=config)]
    run.kept["models"] = pager = run.client.models.list(config=config)
    first = pager[0].display_name
    pager.next_page()
    return sorted(everything), pager.page_size, first in everything, len(pager)


@group("List tuned models, with pages (async)")
async def tuned_models_async(run: Run) -> Any:
    config = {"page_size": 2, "query_base": False}
    everything = [model.display_name async for model in await run.client.aio.models.list(config=config)]
    pager = await run.client.aio.models.list(config=config)
    first = pager[0].display_name
    await pager.next_page()
    return sorted(everything), pager.page_size, first in everything, len(pager)


@group("Update a tuned model")
def update(run: Run) -> Any:
    model = run.client.models.update(
        model=run.kept["models"][0].name,
        config=run.types.UpdateModelConfig(display_name="moorings", description="Where boats lie"),
    )
    return model.display_name, model.description


@group("List tuning jobs, with pages", only_here="it requires Vertex AI for it")
def jobs(run: Run) -> Any:
    everything = list(run.client.tunings.list(config={"page_size": 2}))
    assert len(everything) == 3
    pager = run.client.tunings.list(config={"page_size": 2})
    first = pager[0].name
    pager.next_page()
    assert first != pager[0].name


@group("List tuning jobs, with pages (async)", only_here="it requires Vertex AI for it")
async def jobs_async(run: Run) -> Any:
    everything = [job async for job in await run.client.aio.tunings.list(config={"page_size": 2})]
    assert len(everything) == 3
    pager = await run.client.aio.tunings.list(config={"page_size": 2})
    first = pager[0].name
    await pager.next_page()
    assert first != pager[0].name


@group("Batch job of inlined requests")
def batch(run: Run) -> Any:
    requests = [{"contents": [{"parts": [{"text": text}], "role": "user"}]} for text in ("One?", "Two?")]
    job = run.client.batches.create(model=MODEL, src=requests, config={"display_name": "questions"})
    while job.state in RUNNING:
        run.sleep(10)
        job = run.client.batches.get(name=job.name)
    run.kept["batch"] = job.name
    return job.state, job.display_name, [one.response.text for one in job.dest.inlined_responses]


@group("List batch jobs, with pages")
def batches(run: Run) -> Any:
    run.client.batches.create(model=MODEL, src=[{"contents": "Three?"}])
    config = run.types.ListBatchJobsConfig(page_size=1)
    everything = [job.name for job in run.client.batches.list(config=config)]
    pager = run.client.batches.list(config=config)
    first = pager[0].name
    pager.next_page()
    return len(everything), pager.page_size, first != pager[0].name


@group("List batch jobs, with pages (async)")
async def batches_async(run: Run) -> Any:
    config = run.types.ListBatchJobsConfig(page_size=1)
    everything = [job.name async for job in await run.client.aio.batches.list(config=config)]
    pager = await run.client.aio.batches.list(config=config)
    first = pager[0].name
    await pager.next_page()
    return len(everything), pager.page_size, first != pager[0].name


@group("Delete a batch job")
def batch_deleted(run: Run) -> Any:
    run.client.batches.delete(name=run.kept["batch"])
    return [job.name for job in run.client.batches.list()].count(run.kept["batch"])
