// @google/genai against the emulator, unchanged apart from the address.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";

const baseUrl = process.env.EMULATOR_HTTP;
const MODEL = "gemini-2.5-flash";
const ai = new GoogleGenAI({ apiKey: "a-node-key", httpOptions: { baseUrl } });

async function texts(stream) {
  const pieces = [];
  for await (const chunk of stream) pieces.push(chunk.text ?? "");
  return pieces;
}

test("generate and stream", async () => {
  const contents = "Why is the sky blue?";
  const whole = await ai.models.generateContent({ model: MODEL, contents });
  assert.match(whole.text, /Why is the sky blue/);
  assert.ok(whole.usageMetadata.totalTokenCount > 0);
  const pieces = await texts(await ai.models.generateContentStream({ model: MODEL, contents }));
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(""), whole.text);
});

test("structured output", async () => {
  const { text } = await ai.models.generateContent({
    model: MODEL,
    contents: "A cake, please.",
    config: {
      responseMimeType: "application/json",
      responseSchema: {
        type: Type.OBJECT,
        properties: { name: { type: Type.STRING }, minutes: { type: Type.INTEGER } },
        required: ["name", "minutes"],
      },
    },
  });
  const recipe = JSON.parse(text);
  assert.equal(typeof recipe.name, "string");
  assert.ok(Number.isInteger(recipe.minutes));
});

test("functions", async () => {
  const response = await ai.models.generateContent({
    model: MODEL,
    contents: "Switch on the light.",
    config: {
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      tools: [
        {
          functionDeclarations: [
            {
              name: "turn_on",
              description: "Turns a lamp on.",
              parametersJsonSchema: { type: "object", properties: { lamp: { type: "string" } }, required: ["lamp"] },
            },
          ],
        },
      ],
    },
  });
  assert.equal(response.functionCalls[0].name, "turn_on");
  assert.equal(typeof response.functionCalls[0].args.lamp, "string");
});

test("chats", async () => {
  const chat = ai.chats.create({ model: MODEL });
  assert.ok((await chat.sendMessage({ message: "Hello" })).text);
  assert.ok((await texts(await chat.sendMessageStream({ message: "And now?" }))).join(""));
  assert.deepEqual(new Set(chat.getHistory().map((content) => content.role)), new Set(["user", "model"]));
});

test("tokens, embeddings and models", async () => {
  assert.ok((await ai.models.countTokens({ model: MODEL, contents: "a b c" })).totalTokens > 0);
  const { embeddings } = await ai.models.embedContent({
    model: "gemini-embedding-001",
    contents: ["a", "b"],
    config: { outputDimensionality: 32 },
  });
  assert.deepEqual(embeddings.map((e) => e.values.length), [32, 32]);
  const names = [];
  // Loops for ever where an empty nextPageToken is written out.
  for await (const model of await ai.models.list({ config: { pageSize: 3 } })) names.push(model.name);
  assert.ok(names.includes(`models/${MODEL}`));
  assert.equal(new Set(names).size, names.length);
  assert.equal((await ai.models.get({ model: MODEL })).name, `models/${MODEL}`);
});

test("caches", async () => {
  const cache = await ai.caches.create({ model: MODEL, config: { contents: "a long story ".repeat(100), ttl: "60s" } });
  const config = { cachedContent: cache.name };
  const response = await ai.models.generateContent({ model: MODEL, contents: "The end?", config });
  assert.ok(response.usageMetadata.cachedContentTokenCount > 0);
  const later = await ai.caches.update({ name: cache.name, config: { ttl: "900s" } });
  assert.ok(later.expireTime > cache.expireTime);
  await ai.caches.delete({ name: cache.name });
  await assert.rejects(ai.caches.get({ name: cache.name }), (error) => error instanceof ApiError && error.status === 403);
});

test("files", async () => {
  const blob = new Blob([await readFile(process.argv[1])], { type: "text/javascript" });
  const file = await ai.files.upload({ file: blob, config: { displayName: "a program" } });
  assert.equal(file.state, "ACTIVE");
  assert.equal(Number(file.sizeBytes), blob.size);
  const names = [];
  for await (const each of await ai.files.list()) names.push(each.name);
  assert.deepEqual(names, [file.name]);
  assert.equal((await ai.files.get({ name: file.name })).displayName, "a program");
  await ai.files.delete({ name: file.name });
  await assert.rejects(ai.files.get({ name: file.name }));
});

test("batches", async () => {
  const src = ["one", "two"].map((text) => ({ contents: [{ role: "user", parts: [{ text }] }] }));
  let batch = await ai.batches.create({ model: MODEL, src, config: { displayName: "two" } });
  for (let left = 200; left > 0 && batch.state !== "JOB_STATE_SUCCEEDED"; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    batch = await ai.batches.get({ name: batch.name });
  }
  assert.equal(batch.state, "JOB_STATE_SUCCEEDED");
  const answers = batch.dest.inlinedResponses.map(({ response }) => response.candidates[0].content.parts[0].text);
  assert.match(answers[0], /one/);
  assert.match(answers[1], /two/);
  await ai.batches.delete({ name: batch.name });
});

test("errors", async () => {
  const wrong = ai.models.generateContent({ model: MODEL, contents: "x", config: { maxOutputTokens: -1 } });
  await assert.rejects(wrong, (error) => error.status === 400 && /max_output_tokens/.test(error.message));
  await assert.rejects(ai.models.generateContent({ model: "no-such-model", contents: "x" }), { status: 404 });
});

test("live", async () => {
  const said = [];
  let done;
  const complete = new Promise((resolve, reject) => {
    done = { resolve, reject };
  });
  const session = await ai.live.connect({
    model: "gemini-2.0-flash-live-001",
    config: { responseModalities: ["TEXT"] },
    callbacks: {
      onmessage(message) {
        if (message.text) said.push(message.text);
        if (message.serverContent?.turnComplete) done.resolve();
      },
      onerror: (event) => done.reject(new Error(event.message)),
      onclose: (event) => done.reject(new Error(event.reason)),
    },
  });
  session.sendClientContent({ turns: "Why is the sky blue?", turnComplete: true });
  await complete;
  session.close();
  assert.match(said.join(""), /sky/);
});

test("live sessions say how they end", async () => {
  let closed;
  const end = new Promise((resolve) => (closed = resolve));
  const session = await ai.live.connect({
    model: "gemini-2.0-flash",
    config: { responseModalities: ["TEXT"] },
    callbacks: { onmessage() {}, onclose: closed },
  });
  session.sendToolResponse({ functionResponses: [{ id: "none", name: "x", response: {} }] });
  const { code, reason } = await end;
  assert.equal(code, 1007);
  assert.match(reason, /function_responses\[0\]\.id/);
});
