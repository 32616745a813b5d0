// @google/generative-ai, the SDK before @google/genai, against the emulator.
import assert from "node:assert/strict";
import test from "node:test";

import { GoogleGenerativeAI, GoogleGenerativeAIFetchError, SchemaType } from "@google/generative-ai";
import { GoogleAICacheManager, GoogleAIFileManager } from "@google/generative-ai/server";

const baseUrl = process.env.EMULATOR_HTTP;
const KEY = "an-older-node-key";
const MODEL = "gemini-2.5-flash";
const ai = new GoogleGenerativeAI(KEY);
const model = ai.getGenerativeModel({ model: MODEL }, { baseUrl });

test("generate and stream", async () => {
  const { response } = await model.generateContent("Why is the sky blue?");
  assert.match(response.text(), /Why is the sky blue/);
  const streamed = await model.generateContentStream("Why is the sky blue?");
  const pieces = [];
  for await (const chunk of streamed.stream) pieces.push(chunk.text());
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), response.text());
  assert.equal((await streamed.response).text(), response.text());
});

test("schemas, whose types it writes in lower case", async () => {
  const generationConfig = {
    responseMimeType: "application/json",
    responseSchema: { type: SchemaType.ARRAY, items: { type: SchemaType.STRING } },
  };
  const { response } = await ai
    .getGenerativeModel({ model: MODEL, generationConfig }, { baseUrl })
    .generateContent("Three fruits.");
  assert.ok(JSON.parse(response.text()).every((fruit) => typeof fruit === "string"));
});

test("functions and chats", async () => {
  const tools = [
    {
      functionDeclarations: [
        {
          name: "weather",
          description: "The weather of a city.",
          parameters: { type: SchemaType.OBJECT, properties: { city: { type: SchemaType.STRING } }, required: ["city"] },
        },
      ],
    },
  ];
  const chat = ai.getGenerativeModel({ model: MODEL, tools }, { baseUrl }).startChat();
  const { response } = await chat.sendMessage("What is the weather in Zurich?");
  assert.equal(response.functionCalls()[0].name, "weather");
  const answer = await chat.sendMessage([{ functionResponse: { name: "weather", response: { sunny: true } } }]);
  assert.ok(answer.response.text());
});

test("tools that are no list", async () => {
  const tools = { functionDeclarations: [{ name: "dim", parameters: { type: "OBJECT", properties: { to: { type: "NUMBER" } } } }] };
  const chat = ai.getGenerativeModel({ model: MODEL, tools }, { baseUrl }).startChat();
  const { response } = await chat.sendMessage("Dim the lamp to 5.");
  assert.equal(response.functionCalls()[0].name, "dim");
});

test("tokens and embeddings", async () => {
  assert.ok((await model.countTokens("a b c")).totalTokens > 0);
  const embedder = ai.getGenerativeModel({ model: "text-embedding-004" }, { baseUrl });
  const { embedding } = await embedder.embedContent("a");
  assert.ok(embedding.values.length > 100);
  const requests = ["a", "b"].map((text) => ({ content: { role: "user", parts: [{ text }] } }));
  assert.equal((await embedder.batchEmbedContents({ requests })).embeddings.length, 2);
});

test("files, uploaded as multipart", async () => {
  const files = new GoogleAIFileManager(KEY, { baseUrl });
  const data = Buffer.from("The sky is blue.");
  const { file } = await files.uploadFile(data, { mimeType: "text/plain", displayName: "the sky" });
  assert.equal(Number(file.sizeBytes), data.length);
  assert.equal((await files.listFiles()).files[0].displayName, "the sky");
  await files.deleteFile(file.name);
  await assert.rejects(files.getFile(file.name));
});

test("caches", async () => {
  const caches = new GoogleAICacheManager(KEY, { baseUrl });
  const contents = [{ role: "user", parts: [{ text: "a long story ".repeat(100) }] }];
  const cache = await caches.create({ model: `models/${MODEL}`, contents, ttlSeconds: 60 });
  assert.equal((await caches.get(cache.name)).name, cache.name);
  await caches.update(cache.name, { cachedContent: { ttlSeconds: 120 } });
  await caches.delete(cache.name);
});

test("errors", async () => {
  const missing = ai.getGenerativeModel({ model: "no-such-model" }, { baseUrl });
  await assert.rejects(
    missing.generateContent("x"),
    (error) => error instanceof GoogleGenerativeAIFetchError && error.status === 404,
  );
});
