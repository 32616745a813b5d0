// @google-ai/generativelanguage, Google's generated client: over gRPC, or over REST when EMULATOR_WIRE says so.
import assert from "node:assert/strict";
import test from "node:test";

import library from "@google-ai/generativelanguage";
import gax from "google-gax";

const rest = process.env.EMULATOR_WIRE === "rest";
const { hostname, port } = new URL(rest ? process.env.EMULATOR_HTTP : `http://${process.env.EMULATOR_GRPC}`);
const address = { apiEndpoint: hostname, port: Number(port) };
const options = rest
  ? { ...address, fallback: true, protocol: "http", apiKey: "a-gapic-key" }
  : { ...address, sslCreds: gax.grpc.credentials.createInsecure() };
const { v1beta } = library;
const MODEL = "models/gemini-2.5-flash";
const contents = [{ role: "user", parts: [{ text: "Why is the sky blue?" }] }];

function client(Service) {
  return new Service(options);
}

test("generate, stream and count", async () => {
  const generative = client(v1beta.GenerativeServiceClient);
  const [whole] = await generative.generateContent({ model: MODEL, contents });
  const [part] = whole.candidates[0].content.parts;
  assert.match(part.text, /sky/);
  const pieces = [];
  for await (const chunk of generative.streamGenerateContent({ model: MODEL, contents })) {
    pieces.push(chunk.candidates[0].content.parts[0].text);
  }
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), part.text);
  const [counted] = await generative.countTokens({ model: MODEL, contents });
  assert.equal(counted.totalTokens, whole.usageMetadata.promptTokenCount);
  await generative.close();
});

test("embeddings", async () => {
  const generative = client(v1beta.GenerativeServiceClient);
  const model = "models/gemini-embedding-001";
  const requests = contents.map((content) => ({ model, content }));
  const [{ embeddings }] = await generative.batchEmbedContents({ model, requests });
  const [{ embedding }] = await generative.embedContent({ model, content: contents[0] });
  assert.deepEqual(embeddings[0].values, embedding.values);
  await generative.close();
});

test("models, page by page", async () => {
  const models = client(v1beta.ModelServiceClient);
  const names = [];
  for await (const model of models.listModelsAsync({ pageSize: 3 })) names.push(model.name);
  assert.ok(names.includes(MODEL));
  assert.equal(new Set(names).size, names.length);
  await models.close();
});

test("corpora: create, update, search, delete", async () => {
  const retriever = client(v1beta.RetrieverServiceClient);
  const [corpus] = await retriever.createCorpus({ corpus: { displayName: "nature" } });
  const [document] = await retriever.createDocument({ parent: corpus.name, document: { displayName: "sky" } });
  const texts = ["The sky is blue because air scatters blue light.", "Bread is baked from flour and water."];
  await retriever.batchCreateChunks({
    parent: document.name,
    requests: texts.map((stringValue) => ({ parent: document.name, chunk: { data: { stringValue } } })),
  });
  const [{ relevantChunks }] = await retriever.queryCorpus({ name: corpus.name, query: "why is the sky blue" });
  assert.equal(relevantChunks[0].chunk.data.stringValue, texts[0]);
  const [renamed] = await retriever.updateCorpus({
    corpus: { name: corpus.name, displayName: "the world" },
    updateMask: { paths: ["display_name"] },
  });
  assert.equal(renamed.displayName, "the world");
  await retriever.deleteCorpus({ name: corpus.name, force: true });
  await assert.rejects(retriever.getCorpus({ name: corpus.name }));
  await retriever.close();
});

test("caches", async () => {
  const caches = client(v1beta.CacheServiceClient);
  const cachedContent = { model: MODEL, contents, ttl: { seconds: 60 } };
  const [cache] = await caches.createCachedContent({ cachedContent });
  assert.ok(cache.usageMetadata.totalTokenCount > 0);
  await caches.deleteCachedContent({ name: cache.name });
  await caches.close();
});

test("a tuning is followed to its end", async () => {
  const models = client(v1beta.ModelServiceClient);
  const examples = [1, 2, 3, 4].map((n) => ({ textInput: `${n}`, output: `${n + 1}` }));
  const [operation] = await models.createTunedModel({
    tunedModel: {
      baseModel: "models/gemini-1.5-flash-001-tuning",
      tuningTask: { trainingData: { examples: { examples } } },
    },
  });
  const [tuned] = await operation.promise();
  assert.match(tuned.name, /^tunedModels\//);
  const generative = client(v1beta.GenerativeServiceClient);
  const [answer] = await generative.generateContent({
    model: tuned.name,
    contents: [{ role: "user", parts: [{ text: "2" }] }],
  });
  assert.equal(answer.candidates[0].content.parts[0].text, "3");
  await generative.close();
  await models.close();
});

test("errors have their code and details", async () => {
  const generative = client(v1beta.GenerativeServiceClient);
  await assert.rejects(generative.generateContent({ model: MODEL, contents: [] }), (error) => {
    assert.equal(error.code, 3);
    assert.match(error.message, /contents/);
    return true;
  });
  await generative.close();
});
