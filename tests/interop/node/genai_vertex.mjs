// Google's JavaScript SDK with vertexai: true, against the emulator.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { GoogleGenAI } from "@google/genai";

// A token that never expires, in place of Google's login.
const authClient = {
  getRequestHeaders: async () => new Headers({ Authorization: "Bearer t" }),
  credentials: { access_token: "t" },
};
const client = new GoogleGenAI({
  vertexai: true,
  project: "my-project",
  location: "us-central1",
  googleAuthOptions: { authClient },
  httpOptions: { baseUrl: process.env.EMULATOR_HTTP },
});
const model = "gemini-2.5-flash";
const parent = "projects/my-project/locations/us-central1";

const all = async (pager) => {
  const found = [];
  for await (const one of await pager) found.push(one);
  return found;
};

const done = async (get) => {
  for (let i = 0; i < 200; i++) {
    const found = await get();
    if (/SUCCEEDED|FAILED/.test(found.state)) return found;
    await wait(50);
  }
  throw new Error("it takes too long");
};

test("generate and stream", async () => {
  const config = { labels: { team: "one" } };
  const whole = await client.models.generateContent({ model, contents: "Why?", config });
  let text = "";
  for await (const chunk of await client.models.generateContentStream({ model, contents: "Why?", config })) {
    text += chunk.text ?? "";
  }
  assert.equal(text, whole.text);
});

test("count, compute and embed", async () => {
  assert.equal((await client.models.countTokens({ model, contents: "Why? Oh." })).totalTokens, 4);
  const computed = await client.models.computeTokens({ model, contents: "Why? Oh." });
  assert.equal(computed.tokensInfo[0].tokenIds.length, 4);
  const embedded = await client.models.embedContent({ model: "text-embedding-005", contents: ["one", "two"] });
  assert.deepEqual(embedded.embeddings.map((found) => found.values.length), [768, 768]);
});

test("caches", async () => {
  const made = await client.caches.create({ model, config: { contents: "A long story.", ttl: "600s" } });
  assert.ok(made.name.startsWith(`${parent}/cachedContents/`));
  const used = await client.models.generateContent({ model, contents: "And?", config: { cachedContent: made.name } });
  assert.equal(used.usageMetadata.cachedContentTokenCount, 4);
  assert.deepEqual((await all(client.caches.list())).map((found) => found.name), [made.name]);
  await client.caches.delete({ name: made.name });
});

test("tunings", async () => {
  const job = await client.tunings.tune({
    baseModel: "gemini-2.0-flash-001",
    trainingDataset: { gcsUri: "gs://my-bucket/train.jsonl" },
    config: { epochCount: 1 },
  });
  const tuned = await done(() => client.tunings.get({ name: job.name }));
  assert.equal(tuned.state, "JOB_STATE_SUCCEEDED");
  const answer = await client.models.generateContent({ model: tuned.tunedModel.endpoint, contents: "Hi" });
  assert.equal(answer.text, "Ho");
});

test("batches", async () => {
  const job = await client.batches.create({ model, src: "gs://my-bucket/in.jsonl" });
  const ended = await done(() => client.batches.get({ name: job.name }));
  assert.equal(ended.state, "JOB_STATE_SUCCEEDED");
  assert.equal((await all(client.batches.list())).length, 1);
});

test("pictures", async () => {
  const made = await client.models.generateImages({ model: "imagen-4.0-generate-001", prompt: "a cat" });
  const [{ image }] = made.generatedImages;
  assert.equal(image.mimeType, "image/png");
  const large = await client.models.upscaleImage({
    model: "imagen-4.0-upscale-preview",
    image,
    upscaleFactor: "x2",
  });
  assert.equal(large.generatedImages.length, 1);
});
