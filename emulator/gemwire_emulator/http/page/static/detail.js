// The details of a call: request, responses, timing and metadata.

import { get } from "./api.js";
import { actionButton, el } from "./dom.js";
import { bytes, clock, duration, FRONTS, grouped, outcome, short } from "./format.js";
import { isElided, json } from "./json.js";
import { chunks, textOf, timeline } from "./timeline.js";

/** Messages that are listed at first. */
const MAX_LISTED = 200;
/** Characters from which a fact has a line of its own. */
const WIDE = 26;

/**
 * Build the details of a call.
 * @param {object} call as returned by `/emulator/calls/{number}`
 * @param {() => void} close
 * @param {() => void} showFull fetches the call without elisions
 */
export function detail(call, close, showFull) {
  return el(
    "article.call",
    { "data-number": call.number },
    head(call, close),
    call.error ? failure(call.error) : null,
    facts(call),
    actions(call, showFull),
    call.responses.length > 1 || (call.responses.length && call.status === null) ? streamSection(call) : null,
    call.complete ? null : el("p.hint", { text: "Later messages were discarded: the journal limits the size of a call." }),
    call.requests.length ? requestSection(call.requests) : null,
    responseSection(call),
    metadata(call.metadata),
  );
}

function head(call, close) {
  return el(
    "header",
    { "data-outcome": outcome(call.status) },
    el("h2", { text: short(call.method) }),
    el("span.status", { text: call.status ?? "running" }),
    el("span.number", { text: `#${call.number}` }),
    el("button.close", { type: "button", text: "×", "aria-label": "Close (Esc)", title: "Close (Esc)", onclick: close }),
  );
}

function failure(error) {
  return el(
    "section.failure",
    {},
    el("p", { text: error.message }),
    error.details ? json(error.details) : null,
  );
}

function facts(call) {
  const { prompt, output } = call.tokens;
  const known = {
    service: call.method.slice(0, call.method.lastIndexOf("/")),
    model: call.model,
    client: `${FRONTS[call.front] ?? call.front}, ${call.peer.replace(/^ipv[46]:/, "")}`,
    started: clock(call.began),
    duration: call.elapsed === null ? "running" : duration(call.elapsed),
    "first chunk": call.messages > 1 ? duration(call.first) : "",
    messages: call.messages === 1 ? "" : grouped(call.messages),
    tokens: [
      prompt === null ? "" : `${grouped(prompt)} input`,
      output === null ? "" : `${grouped(output)} output`,
    ]
      .filter(Boolean)
      .join(", "),
    size: bytes(call.bytes),
  };
  const pairs = Object.entries(known).filter(([, value]) => value);
  const items = pairs.flatMap(([name, value]) => [
    el("dt", { text: name }),
    el(value.length > WIDE ? "dd.wide" : "dd", { text: value }),
  ]);
  return el("dl.facts", {}, ...items);
}

function actions(call, showFull) {
  const path = `/calls/${call.number}`;
  const copy = async (text) => {
    await navigator.clipboard.writeText(text);
    return "Copied";
  };
  const buttons = [
    actionButton("Copy as JSON", async () => copy(JSON.stringify(await get(path), null, 2)), { "data-copy": "json" }),
  ];
  if (call.requests.length && !short(call.method).startsWith("Bidi")) {
    buttons.unshift(actionButton("Copy as curl", async () => copy((await get(`${path}/curl`)).curl), { "data-copy": "curl" }));
  }
  if (isElided(call.requests) || isElided(call.responses)) {
    buttons.push(el("button", { type: "button", text: "Show all data", "data-full": true, onclick: showFull }));
  }
  return el("p.actions", {}, ...buttons);
}

function streamSection(call) {
  const text = call.responses.map(textOf).join("");
  return el(
    "section.stream",
    {},
    el("h3", { text: "Stream" }),
    timeline(call),
    text ? el("p.said", { text }) : null,
  );
}

function requestSection(requests) {
  if (requests.length === 1) return el("section.request", {}, el("h3", { text: "Request" }), json(requests[0]));
  const items = requests.map((request, index) => item(`request ${index + 1}`, [Object.keys(request)[0] ?? ""], request));
  return el("section.request", {}, el("h3", { text: "Requests" }), ...limited(items));
}

function responseSection(call) {
  const { responses } = call;
  if (!responses.length) return null;
  if (responses.length === 1 && call.status !== null) {
    const text = textOf(responses[0]);
    return el(
      "section.response",
      {},
      el("h3", { text: "Response" }),
      text ? el("p.said", { text }) : null,
      json(responses[0]),
    );
  }
  const items = chunks(call).map(({ at, text }, index) =>
    item(`response ${index + 1}`, [duration(at), text || Object.keys(responses[index])[0] || ""], responses[index]),
  );
  return el("section.response", {}, el("h3", { text: "Responses" }), ...limited(items));
}

/** Build a message that is rendered when it is opened. */
function item(name, texts, message) {
  const box = el("details", { "data-key": name }, el("summary", {}, el("b", { text: name.split(" ")[1] }), ...texts.map((text) => el("span", { text }))));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(json(message));
  });
  return box;
}

function limited(items) {
  if (items.length <= MAX_LISTED) return items;
  const rest = items.slice(MAX_LISTED);
  const more = el("button.more", { type: "button", text: `${grouped(rest.length)} more` });
  more.addEventListener("click", () => more.replaceWith(...rest));
  return [...items.slice(0, MAX_LISTED), more];
}

function metadata(pairs) {
  const rows = Object.entries(pairs).sort(([one], [other]) => (one < other ? -1 : 1));
  return el(
    "details.metadata",
    { "data-key": "metadata" },
    el("summary", {}, el("h3", { text: "Metadata" }), el("span", { text: `${rows.length}, secrets redacted` })),
    el("dl", {}, ...rows.flatMap(([key, value]) => [el("dt", { text: key }), el("dd", { text: value })])),
  );
}
